# Readers are passed their demand however much others were.
set(file actors/queue.cpp)
set(from [=[          self->delayed_send(self, std::chrono::milliseconds{wait}, pace_atom_v);
        }
        break;]=])
set(to [=[          self->delayed_send(self, std::chrono::milliseconds{wait}, pace_atom_v);
        }
        if (portion->bytes > 2'000) break;]=])
set(told "and the consume quota is")
set(arguments --act quotas)
