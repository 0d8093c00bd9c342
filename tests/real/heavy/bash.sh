# job control with a terminal of its own, traps, coprocesses, process substitution, here documents, arrays, 2000 subshells and pipelines
exec 2>/dev/null
cat >job.sh <<'S'
set -m
sleep 100 & sleep 101 & jobs | sed 's/ *&$//'
kill %1; wait %1; echo "ended $?"
sleep 102 & kill -STOP %%; sleep 0.2; jobs -s | wc -l; bg %% >/dev/null 2>&1; kill -TERM %%; wait $! ; echo "ended $?"
kill %2; wait 2>/dev/null
(trap 'echo int; exit 5' INT; kill -INT $BASHPID; sleep 3); echo "sub $?"
S
bash job.sh 2>/dev/null
script -qec 'bash --norc -i -c "sleep 0.1 & fg %1 >/dev/null; echo front \$?; stty -a | head -1 | cut -d\; -f1"' /dev/null </dev/null | tr -d '\r' | sed 's/.*\(front\)/\1/'
for s in USR1 USR2 HUP TERM CHLD WINCH RTMIN RTMAX-3; do bash -c "trap 'echo $s' $s; kill -$s \$\$; :; echo after"; done
bash -c 'trap "echo exit \$?" EXIT; trap "echo err" ERR; false; set -e; (exit 7); echo never'; echo $?
bash -c 'trap "echo debug" DEBUG; a=1; f() { return 3; }; trap - DEBUG; f; echo $?; kill -SEGV $$'; echo $?
coproc cat; echo hello >&"${COPROC[1]}"; read -r x <&"${COPROC[0]}"; echo "$x"; kill $COPROC_PID
diff <(seq 100 | sort) <(seq 1 100 | sort -r | sort) && echo same
n=0; for ((i = 0; i < 400; i++)); do n=$((n + $(echo $i | tr 0-9 1-90 | cut -c1))); done; echo $n
f() { local -i n=$1; ((n < 2)) && echo $n || echo $(($(f $((n - 1))) + $(f $((n - 2))))); }; f 11
declare -A m; while read -r w; do m[$w]+=x; done < <(for i in {1..3000}; do echo $((i % 13)); done); for k in "${!m[@]}"; do echo "$k ${#m[$k]}"; done | sort -n | tail -3
yes | head -n 100000 | wc -l; echo "${PIPESTATUS[@]}"
mkfifo p; (for i in 1 2 3; do echo $i; done >p) & cat p; wait
(ulimit -f 1; head -c 10000 /dev/zero >big; echo "limit $?") 2>/dev/null
timeout 0.3 sleep 10; echo $?; timeout -s KILL 0.3 sleep 10; echo $?
S=$SECONDS; read -t 0.2 x < <(sleep 2); echo "read $(($? > 128))"; wait
printf '%(%Y-%m-%d)T %q %b\n' 86400 'a b' 'x\ty'; [[ foobar =~ ^(f)(o+) ]] && echo "${BASH_REMATCH[*]}"
