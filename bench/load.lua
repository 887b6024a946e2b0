-- What wrk sends. Called as: wrk -s load.lua URL -- OPERATION CONNECTIONS THREADS DIRECTORY
--
-- The first request of every connection is a long poll on one key: a gate. bench/gate.ts opens it when
-- all of them wait there, and only then the load begins. So a server that accepts one connection in a turn
-- of its loop accepts them all at rest, and neither rate nor latencies contain that.
--
-- Requests are made before the run as far as possible, so that the generator costs little.
-- The figures of the run are printed as one line of JSON.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long microseconds; } bench_time;
  int gettimeofday(bench_time *now, void *zone);
  typedef struct { uint64_t count, limit, min, max, data[]; } bench_histogram;
]]

local VALUE = string.rep("v", 64)
local LARGE_VALUE = string.rep("v", 65536)
local FORM = { ["Content-Type"] = "application/x-www-form-urlencoded" }

local function read(path)
  return wrk.format("GET", "/v2/keys" .. path)
end

local function write(method, path, value)
  return wrk.format(method, "/v2/keys" .. path, FORM, "value=" .. value)
end

-- `keys`: how many different requests there are; `make` makes one of them. bench/operations.ts has what must be
-- there before. All clients of `cas` write the value that is there already, so no comparison ever fails.
local operations = {
  get = { keys = 1000, make = function(n) return read("/bench/" .. n) end },
  miss = { keys = 1000, make = function(n) return read("/bench-missing/" .. n) end, is_error = true },
  qget = { keys = 1000, make = function(n) return read("/bench/" .. n .. "?quorum=true") end },
  put = { keys = 1000, make = function(n) return write("PUT", "/bench/" .. n, VALUE) end },
  cas = { keys = 1000, make = function(n) return write("PUT", "/bench/" .. n .. "?prevValue=" .. VALUE, VALUE) end },
  post = { keys = 1, make = function(_, directory) return write("POST", directory, VALUE) end },
  list = { keys = 1, make = function() return read("/bench-list?recursive=true&sorted=true") end },
  get64k = { keys = 100, make = function(n) return read("/bench-64k/" .. n) end },
  put64k = { keys = 100, make = function(n) return write("PUT", "/bench-64k/" .. n, LARGE_VALUE) end },
  mixed = { keys = 1000, make = function(n)
    if n % 10 == 9 then return write("PUT", "/bench/" .. n, VALUE) end
    return read("/bench/" .. n)
  end },
  -- Each key once, so these requests are made during the run: all is there but the name of the key.
  create = { keys = 1, make = function(_, directory)
    return write("PUT", directory .. "/NAME?prevExist=false", VALUE)
  end, is_fresh = true },
}

local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

local function now()
  local time = ffi.new("bench_time")
  ffi.C.gettimeofday(time, nil)
  return tonumber(time.seconds) + tonumber(time.microseconds) / 1e6
end

local function fresh(template)
  local head, tail = template:match("^(.-)NAME(.*)$")
  local at = 0
  return function()
    at = at + 1
    return head .. number .. "-" .. at .. tail
  end
end

local function cycle(requests, count)
  local at = number * 331
  return function()
    at = at + 1
    return requests[at % count]
  end
end

function init(args)
  local operation = operations[args[1]] or error("no operation " .. args[1])
  local requests = {}
  for n = 0, operation.keys - 1 do requests[n] = operation.make(n, args[4]) end
  local following = operation.is_fresh and fresh(requests[0]) or cycle(requests, operation.keys)

  connections = tonumber(args[2])
  is_error = operation.is_error or false
  local gate = read("/bench-gate?wait=true")
  local waiting = connections / tonumber(args[3])
  -- wrk asks the first thread for a request once before the run, to look at it.
  if number == 0 then waiting = waiting + 1 end
  request = function()
    if waiting > 0 then
      waiting = waiting - 1
      return gate
    end
    started = now()
    request = following
    return following()
  end
end

-- wrk adds to its histogram what it takes for the latencies of requests that stalled ones kept from being sent:
-- each latency again less one interval, less two, and so on down to the interval. That would multiply the waits
-- at the gate; subtracting the count one interval higher undoes it exactly. The waits themselves are the longest
-- of all (gate.ts sees to that), so the percentiles of the others are found by rank.
local function percentiles(latency, summary, shares)
  local histogram = ffi.cast("bench_histogram **", latency)[0]
  local per_connection = math.floor(summary.requests / connections)
  local interval = per_connection > 0 and math.floor(summary.duration / per_connection) or math.huge
  local counted = summary.requests - connections
  local max = tonumber(histogram.max)
  local found, seen = {}, 0
  for n = 0, max do
    local count = tonumber(histogram.data[n])
    if n > interval and n + interval <= max then count = count - tonumber(histogram.data[n + interval]) end
    seen = seen + count
    while #found < #shares and seen >= counted * shares[#found + 1] do table.insert(found, n) end
  end
  if seen ~= summary.requests then error("the histogram has " .. seen .. " of " .. summary.requests .. " requests") end
  return found
end

function done(summary, latency)
  local ended = now()
  connections = threads[1]:get("connections")
  local began = ended
  for _, thread in ipairs(threads) do began = math.min(began, thread:get("started") or ended) end
  local requests = summary.requests - connections
  local errors = summary.errors
  local unexpected = threads[1]:get("is_error") and math.abs(requests - errors.status) or errors.status
  local found = percentiles(latency, summary, { 0.5, 0.99 })
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"errors":%d,"p50":%d,"p99":%d}\n',
    requests, ended - began,
    errors.connect + errors.read + errors.write + errors.timeout + unexpected,
    found[1], found[2]
  ))
end
