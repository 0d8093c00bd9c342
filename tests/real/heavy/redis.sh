# server over loopback and a socket: pipelined load from 20 clients, Lua scripts, streams, sorted sets, snapshot by fork, append-only log, restart, publish
redis-server --port 7001 --save '' --enable-debug-command yes --appendonly yes --daemonize no --logfile log --unixsocket s >/dev/null & r() { redis-cli -p 7001 "$@"; }
until r ping 2>/dev/null | grep -q PONG; do sleep 0.2; done
seq 20000 | sed 's/.*/SET key:& value&/' | redis-cli -p 7001 --pipe 2>&1 | tail -1
redis-benchmark -p 7001 -n 5000 -c 20 -P 4 -q -t set,get,incr,lpush,zadd,mset | tr '\r' '\n' | grep -c 'requests per second'
r dbsize >/dev/null; r mget key:1 key:20000 counter:none; seq 500 | sed 's/.*/ZADD z & m&/' | redis-cli -s s >/dev/null; r zrangebyscore z 100 103; r zrank z m250
r eval 'local s = 0 for i = 1, tonumber(ARGV[1]) do s = s + redis.call("zscore", KEYS[1], "m" .. i) end return s' 1 z 500; for i in 1 2 3; do r xadd st "$i-0" f $i; done; r xrange st - +; r hset h a 1 b 2; r hgetall h; r setbit b 100 1; r bitcount b; r pfadd p $(seq 100); r geoadd g 13.36 38.11 P 15.08 37.5 C; r geodist g P C km
(timeout 20 redis-cli -p 7001 subscribe ch | head -6 | tail -3 >sub) & until [ "$(r publish ch hello)" = 1 ]; do sleep 0.1; done; wait $!; cat sub
r set e x px 50; sleep 0.2; r get e; r multi; r bgsave | cut -c1-10; until [ "$(r info persistence | grep -c 'rdb_bgsave_in_progress:0')" = 1 ]; do sleep 0.1; done; r info persistence | grep last_bgsave_status | tr -d '\r'; r bgrewriteaof | cut -c1-20; until r info persistence | grep -q 'aof_rewrite_in_progress:0'; do sleep 0.1; done
d=$(r debug digest); r shutdown nosave; wait %1; redis-server --port 7001 --save '' --enable-debug-command yes --appendonly yes --logfile log2 >/dev/null & until r ping 2>/dev/null | grep -q PONG; do sleep 0.2; done; [ "$(r debug digest)" = "$d" ] && echo restored; r get key:777; r shutdown nosave; wait
