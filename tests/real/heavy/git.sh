# init, 60 commits on branches, merge with conflict, rebase, bisect, stash, tag, gc, fsck, clone over a file and over git://, blame, archive
export GIT_AUTHOR_DATE='2024-01-02T03:04:05Z' GIT_COMMITTER_DATE='2024-01-02T03:04:05Z' EMAIL=a@example.invalid
git config --global user.name A; git config --global init.defaultBranch main; git config --global advice.detachedHead false
git init -q r && cd r
for i in $(seq 40); do seq $((i * 50)) >"f$((i % 7))"; mkdir -p d$((i % 3)); echo "line $i" >>d$((i % 3))/log; git add -A; git commit -qm "commit $i"; done
git checkout -qb side HEAD~20
for i in $(seq 10); do echo "side $i" >>d1/side; git add -A; git commit -qm "side $i"; done
echo changed >f3; git commit -qam 'conflicting'
git checkout -q main
git merge side 2>&1 | grep CONFLICT
git diff --stat | cat
git checkout -q --theirs f3 && git add -A && git commit -qm 'merged'
git log --oneline --graph | head -15
git checkout -qb topic HEAD~3; echo t >t; git add t; git commit -qm topic; git rebase main 2>&1 | tail -1
echo dirty >>f1; git stash -q; git stash list; git stash pop -q; git checkout -q f1
git tag -a v1 -m tag
git bisect start -q HEAD HEAD~25 >/dev/null; git bisect run sh -c '! grep -q "line 38" d*/log' | grep 'first bad'; git bisect reset -q 2>/dev/null
git gc -q --aggressive && git fsck --full 2>&1 | tail -2; git count-objects -v | grep in-pack
git blame d1/log | tail -2
cd .. && git clone -q --no-local r c && git -C c log --oneline | wc -l
git daemon --base-path=. --export-all --reuseaddr --listen=127.0.0.1 --pid-file=pid . & sleep 1
until git clone -q git://127.0.0.1/r n 2>/dev/null; do sleep 0.3; done; git -C n rev-parse HEAD
kill "$(cat pid)"; wait
git -C r archive HEAD | tar -t | sort | sha256sum
git -C r format-patch --stdout HEAD~2 | git -C c apply --stat | tail -1
