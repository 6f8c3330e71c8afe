#include "config/nearest.hpp"

#include <catch2/catch.hpp>

using namespace carafe::config;

TEST_CASE("the nearest known key is found, if one is near") {
  const std::vector<std::string> known{"carafe.shards", "carafe.sync-interval-ms",
                                       "carafe.data-dir", "scheduler.max-threads", "help"};
  CHECK(nearest("carafe.shard", known) == "carafe.shards");
  CHECK(nearest("shards", known) == "carafe.shards");
  CHECK(nearest("carafe.date-dir", known) == "carafe.data-dir");
  CHECK(nearest("carafe.data_dir", known) == "carafe.data-dir");
  CHECK(nearest("carafe.sync-intreval-ms", known) == "carafe.sync-interval-ms");
  CHECK(nearest("schedular.max-threads", known) == "scheduler.max-threads");
  CHECK(nearest("hepl", known) == "help");
  CHECK(nearest("carafe.unrelated", known).empty());
  CHECK(nearest("", known).empty());
  CHECK(nearest(std::string(1'000'000, 'x'), known).empty());
  CHECK(nearest("carafe.shards", {}).empty());
}

TEST_CASE("of two keys of one name the one in the nearer section is meant") {
  const std::vector<std::string> known{"logger.level", "carafe.level"};
  CHECK(nearest("carafe.level", known) == "carafe.level");
  CHECK(nearest("logger.level", known) == "logger.level");
}
