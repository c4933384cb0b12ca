-- wrk sends what our users send.
local function read(name)
  local file = assert(io.open(os.getenv("BENCH_FOLDER") .. "/" .. name))
  local text = file:read("*a")
  file:close()
  return text
end
wrk.method = "POST"
wrk.body = read("body")
for line in read("headers"):gmatch("[^\n]+") do
  local name, value = line:match("^([^:]+): (.*)$")
  wrk.headers[name] = value
end
