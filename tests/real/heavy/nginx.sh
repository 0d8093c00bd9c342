# nginx with two workers and curl over loopback: files, ranges, gzip, TLS with HTTP/2, a proxy to itself, limits, reload by signal; 200 parallel requests
mkdir -p www logs; head -c 2000000 <(yes "$(seq 100)") >www/big.txt; echo hello >www/index.html; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out c.pem -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
cat >n.conf <<N
daemon on; worker_processes 2; user root; pid $PWD/pid; error_log $PWD/logs/e; events { worker_connections 256; }
http { access_log $PWD/logs/a; client_body_temp_path $PWD/b; proxy_temp_path $PWD/p; fastcgi_temp_path $PWD/f; uwsgi_temp_path $PWD/u; scgi_temp_path $PWD/s; types { text/plain txt; text/html html; } gzip on; gzip_types text/plain; sendfile on;
server { listen 127.0.0.1:8081; listen 127.0.0.1:8443 ssl; http2 on; server_name localhost; ssl_certificate $PWD/c.pem; ssl_certificate_key $PWD/k.pem; root $PWD/www;
location /proxy/ { proxy_pass http://127.0.0.1:8081/; } location = /one { return 200 "one\n"; } } }
N
nginx -p . -c "$PWD/n.conf" && until curl -s http://127.0.0.1:8081/one; do sleep 0.2; done
curl -s http://127.0.0.1:8081/big.txt | md5sum; curl -s --compressed http://127.0.0.1:8081/big.txt | md5sum; curl -sr 1000-1999 http://127.0.0.1:8081/big.txt | md5sum; curl -s http://127.0.0.1:8081/proxy/big.txt | md5sum
curl -s --cacert c.pem https://localhost:8443/big.txt -w '%{http_version} %{http_code} %{size_download}\n' -o o; md5sum <o; curl -s --http1.1 --cacert c.pem https://localhost:8443/ -w '%{http_version}\n'; curl -s https://localhost:8443/; echo "unverified $?"
curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8081/none; curl -s -X POST -d a=b -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8081/index.html; curl -sI http://127.0.0.1:8081/index.html | grep -i content-length
curl -sZ --parallel-max 20 "http://127.0.0.1:8081/one?[1-100]" "http://127.0.0.1:8081/proxy/one?[1-100]" | sort | uniq -c
old=$(cat pid); kill -HUP "$old"; sleep 0.5; curl -s http://127.0.0.1:8081/one; kill -QUIT "$old"; while [ -e pid ]; do sleep 0.1; done; wc -l <logs/a; grep -c emerg logs/e
