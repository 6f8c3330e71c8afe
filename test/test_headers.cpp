/// Compiles the headers that nearly every test includes, once for all of them.
