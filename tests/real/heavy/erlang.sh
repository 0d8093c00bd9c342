# the Erlang machine with its just-in-time compiler where there is one: 20000 processes, messages, ets, tcp, binaries, ports, bignums
cat >t.erl <<'X'
-module(t).
-export([main/0]).
fib(N) when N < 2 -> N; fib(N) -> fib(N - 1) + fib(N - 2).
ring(0, P) -> receive go -> P ! go end; ring(N, P) -> Q = spawn(fun() -> ring(N - 1, P) end), receive go -> Q ! go end.
echo(S) -> case gen_tcp:accept(S) of {ok, C} -> spawn(fun() -> receive start -> ok end, {ok, B} = gen_tcp:recv(C, 0), gen_tcp:send(C, list_to_binary(lists:reverse(binary_to_list(B)))), gen_tcp:close(C) end) ! start, echo(S); _ -> ok end.
main() ->
    io:format("~p~n", [fib(24)]), Self = self(),
    P = spawn(fun() -> ring(20000, Self) end), P ! go, receive go -> io:format("ring~n") end,
    Ps = [spawn_link(fun() -> Self ! {N, lists:sum(lists:seq(1, N))} end) || N <- lists:seq(1, 2000)],
    io:format("~p ~p~n", [length(Ps), lists:sum([receive {N, S} -> S end || N <- lists:seq(1, 2000)])]),
    T = ets:new(t, [public, {write_concurrency, true}]), Rs = [spawn_monitor(fun() -> [ets:update_counter(T, I rem 50, 1, {I rem 50, 0}) || I <- lists:seq(1, 5000)] end) || _ <- lists:seq(1, 4)],
    [receive {'DOWN', R, _, _, normal} -> ok end || {_, R} <- Rs], io:format("~p~n", [lists:sum([V || {_, V} <- ets:tab2list(T)])]),
    {ok, S} = gen_tcp:listen(0, [binary, {active, false}, {ip, {127, 0, 0, 1}}]), {ok, Port} = inet:port(S), spawn(fun() -> echo(S) end),
    io:format("~p~n", [[begin {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}]), ok = gen_tcp:send(C, integer_to_binary(N)), {ok, A} = gen_tcp:recv(C, 0), A end || N <- lists:seq(100, 110)]]),
    io:format("~p ~p~n", [try 1 / length([]) catch error:badarith -> zero end, try error(x) catch error:E -> E end]), process_flag(trap_exit, true), X = spawn_link(fun() -> exit(why) end), receive {'EXIT', X, W} -> io:format("~p~n", [W]) end,
    B = << <<(I rem 256)>> || I <- lists:seq(1, 100000) >>, io:format("~p ~p~n", [erlang:md5(B), binary:part(zlib:uncompress(zlib:compress(B)), 1000, 4)]),
    io:format("~p ~p~n", [(fun F(0) -> 1; F(N) -> N * F(N - 1) end)(60), math:sin(1) + 1.0e10]), io:format("~p~n", [maps:fold(fun(_, V, A) -> V + A end, 0, maps:from_list([{I, I * I} || I <- lists:seq(1, 1000)]))]),
    io:format("~s", [os:cmd("echo port; sleep 0.01")]), timer:sleep(10), io:format("~p~n", [receive never -> 1 after 20 -> late end]), io:format("~p~n", [lists:sum([length(string:split(integer_to_list(I * 7919), "9", all)) || I <- lists:seq(1, 20000)])]), halt(3).
X
erlc t.erl && erl -noshell -s t main; echo $?
