# closures, coroutines, metatables, string patterns, collector, integer and float arithmetic, errors, bytecode, pipes
cat >t.lua <<'L'
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(24), 7 // 2, -7 // 2, 7.5 % 2, 2^53, 1 << 62, math.maxinteger + 1 == math.mininteger, 10 / 3)
local gen = coroutine.wrap(function() for i = 1, 50000 do coroutine.yield(i * i) end end)
local s = 0; for i = 1, 50000 do s = s + gen() end print(s)
local V = {}; V.__index = V; V.__add = function(a, b) return setmetatable({x = a.x + b.x}, V) end; V.__lt = function(a, b) return a.x < b.x end; V.__close = function() s = s + 1 end
local v = setmetatable({x = 0}, V); for i = 1, 200000 do v = v + setmetatable({x = i}, V) end print(v.x)
local t = {}; for i = 1, 100000 do t[#t + 1] = (i * 7919) % 100003 end table.sort(t); print(t[1], t[50000], t[100000])
local text = string.rep('key=value; other = thing; ', 2000); local n = 0; for k, v in text:gmatch('(%w+)%s*=%s*(%w+)') do n = n + #k * #v end print(n, (text:gsub('%w+', string.upper)):sub(1, 20), ('%5.2f|%q|%x'):format(3.14159, 'a\nb', 255))
for i = 1, 20 do collectgarbage(); local w = setmetatable({}, {__mode = 'k'}); for j = 1, 1000 do w[{}] = j end end collectgarbage('generational'); local junk; for i = 1, 300000 do junk = {junk and i, tostring(i)} end print(#junk)
print(pcall(error, {code = 5}), select('#', pcall(function() local x = nil; return x.y end)), (select(2, pcall(function() return 1 + {} end))))
print(pcall(function() local function d() return 1 + d() end return d() end) == false); do local c <close> = v end print(load(string.dump(function(a) return a * 3 end))(14), utf8.char(233, 8364), #utf8.char(128512), string.pack('>I3f', 70000, 1.5):byte(1, -1))
local p = io.popen('sort -rn | head -1', 'w'); for i = 1, 100 do p:write(i, '\n') end print(p:close()); print(os.execute('exit 3')); print(os.date('!%F', 86400), math.type(3), math.tointeger(2^31), string.format('%.14g', math.sin(1e6)))
L
lua5.4 t.lua; echo 'print(#arg)' | lua5.4 - a b
