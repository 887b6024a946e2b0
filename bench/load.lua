-- What wrk sends. Called as: wrk -s load.lua URL -- OPERATION
--   get   reads of keys that exist      qget  the same, through the log      put   writes over them
-- All requests are made before the run, so that the generator costs as little as possible.
-- The figures of the run are printed as one line of JSON.

local KEY_COUNT = 1000
local VALUE = string.rep("v", 64)

local thread_count = 0

function setup(thread)
  thread:set("first", thread_count * 331)
  thread_count = thread_count + 1
end

function init(args)
  local operation = args[1]
  requests = {}
  for n = 0, KEY_COUNT - 1 do
    local path = "/v2/keys/bench/" .. n
    if operation == "put" then
      local headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }
      requests[n] = wrk.format("PUT", path, headers, "value=" .. VALUE)
    elseif operation == "qget" then
      requests[n] = wrk.format("GET", path .. "?quorum=true")
    else
      requests[n] = wrk.format("GET", path)
    end
  end
  at = first
end

function request()
  at = at + 1
  return requests[at % KEY_COUNT]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"errors":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)
  ))
end
