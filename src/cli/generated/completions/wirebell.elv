
use builtin;
use str;

set edit:completion:arg-completer[wirebell] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'wirebell'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'wirebell'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand serve 'Run the push server'
            cand echo 'Echo every message on every path, for conformance and load tools'
            cand connect 'Connect to a server: send lines, print messages'
            cand push 'Publish to a push server'
            cand token 'Create, list and revoke the tokens of a push server'
            cand data 'Check, shrink and export the data file of a push server'
            cand certificate 'Make a self-signed certificate for development'
            cand verify 'Test whether an echo server or a client conforms to the RFCs'
            cand doctor 'Check a deployment from outside, and say what to change'
            cand inspect 'Explain captured frames byte by byte'
            cand bench 'Load a server and measure it'
            cand completions 'Print a shell completion script'
            cand man 'Print a manual page, or write all of them'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wirebell;serve'= {
            cand --config 'Read settings from this TOML file'
            cand --take-over 'Take over listeners, topics and connections from the server with this --upgrade-socket; its clients do not notice. If that fails, it goes on, and this one ends'
            cand --tokens 'File of tokens (TOML), each with the topics that it may publish and subscribe to, as `wirebell token` writes it; reloaded when it changes [default: no tokens are needed]'
            cand --jwt-key-file 'File with the key of JWTs (HS256, at least 32 bytes), which are accepted besides the tokens of --tokens; reloaded when it changes [default: none are accepted]'
            cand --data 'Keep messages and state in this file: a publication is answered and delivered once it is on the disk. It is created if it does not exist [default: everything is in memory]'
            cand --data-size 'Bytes of messages that the file keeps; beyond it the oldest go [default: 4GiB]'
            cand --engine 'Share messages with other servers through Redis 7 or Valkey, such as redis://:PASSWORD@HOST:6379/0?prefix=w (rediss:// for TLS). Others can see the arguments of a command: a password is better in the variable or in the settings file [default: none are shared]'
            cand --upgrade-socket 'Unix socket at which another process of the same user may take over, with `--take-over`; SIGUSR2 then starts one, with the same arguments [default: none, or that of --take-over]'
            cand --gotify 'Serve clients of gotify 2.x. The password of the first user is printed once. Without --data, users, applications and messages are in memory [default: only with --data]'
            cand --open 'Listen beyond this machine without tokens: anyone who can reach the server may then publish and subscribe to everything [default: false]'
            cand --push-key-file 'For /push and /drop: file with the key that publishers must send as `Authorization: Bearer KEY`; the key may also be in the environment variable WIREBELL_PUSH_KEY [default: anyone may publish]'
            cand --token-file 'For /ws: file with lines of `TOKEN USER`; reloaded when it changes [default: a token is the name of its user]'
            cand --trusted-proxy 'Reverse proxy that is believed when it says in X-Forwarded-For or Forwarded whose request it passes on: an address, a network such as 10.0.0.0/8, or `unix` for unix sockets; may be given several times [default: none]'
            cand --connection-rate 'Connections that one address (IPv6: /64) may open, such as 100/s:500. Those beyond it are closed before anything is read; a --trusted-proxy may open any number [default: no limit]'
            cand --handshake-rate 'WebSockets and streams that one address (IPv6: /64), and one token, may open: such as 10/s, 600/m, or 10/s:50 with 50 at once. Those beyond it get 429. Set --trusted-proxy behind a proxy; loopback addresses count too [default: no limit]'
            cand --publish-rate 'Messages that one address, and one token, may publish, each line of a batch counted [default: no limit]'
            cand --connections-per-token 'WebSockets and streams that the tokens of one name, or one user of /ws, may have open at the same time; 0 means no limit [default: 0]'
            cand --max-body 'Longest body of an HTTP request [default: 1MiB]'
            cand --register-timeout 'Time within which a connection to /ws must register; 0 means no limit [default: 30s]'
            cand --echo 'Serve /echo, a WebSocket that echoes, even with keys or tokens; `--echo=false` turns it off [default: only without keys and tokens]'
            cand -l 'Where to listen: ADDR:PORT, unix:PATH, or fd:N for a socket that systemd passes (LISTEN_FDS; without this setting, all of them are used); may be given several times. With a certificate (--tls-cert) it speaks TLS there; http:ADDR:PORT stays unencrypted, and redirect:ADDR:PORT leads to https, at the port where TLS is spoken on that address, or at another one: redirect:ADDR:PORT=443 [default: 127.0.0.1:8080]'
            cand --listen 'Where to listen: ADDR:PORT, unix:PATH, or fd:N for a socket that systemd passes (LISTEN_FDS; without this setting, all of them are used); may be given several times. With a certificate (--tls-cert) it speaks TLS there; http:ADDR:PORT stays unencrypted, and redirect:ADDR:PORT leads to https, at the port where TLS is spoken on that address, or at another one: redirect:ADDR:PORT=443 [default: 127.0.0.1:8080]'
            cand -w 'Worker threads; 0 means one per core [default: 0]'
            cand --workers 'Worker threads; 0 means one per core [default: 0]'
            cand --host 'Host name that requests may use for this server, without a port; may be given several times. A server on a loopback address always accepts `localhost` and loopback addresses [default: any name, unless on loopback]'
            cand --origin 'Origins of web pages that may connect, besides those of the same host: exact ones such as https://example.org, all subdomains as in https://*.example.org, `null`, `file://`, or `any`; may be given several times [default: same-host]'
            cand --max-message 'Longest message, all fragments together; a longer one closes the connection with 1009 [default: 16MiB]'
            cand --max-queued 'Bytes that may be queued for one slow connection [default: 1MiB]'
            cand --overflow 'What to do when more is queued for a connection [default: disconnect]'
            cand --deflate 'Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`, which keeps the window between messages: smaller, but up to 320 KiB per connection [default: on]'
            cand --deflate-level 'Compression level, from 1 (fastest) to 9 [default: 2]'
            cand --deflate-window-bits 'Compression window, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages, and requested from clients that let us choose [default: 15]'
            cand --deflate-budget 'Memory that all connections together may use for `takeover`; beyond it, new connections go without [default: 64MiB]'
            cand --deflate-min 'Shortest message that is compressed [default: 128B]'
            cand --max-connections 'Connections per worker; more are closed at once [default: 1000000]'
            cand --max-connections-per-address 'Connections per address (IPv6: /64) and worker; 0 means no limit [default: 0]'
            cand --ping-interval 'Send a Ping after this long without traffic; 0 disables [default: 30s]'
            cand --pong-timeout 'Time for the Pong to arrive; 0 means no limit [default: 15s]'
            cand --max-head 'Longest head of a request [default: 32KiB]'
            cand --max-fields 'Header fields of a request, up to 128 [default: 100]'
            cand --max-target 'Longest target of a request: path and query [default: 16KiB]'
            cand --idle-timeout 'Time that an HTTP connection may be idle between requests; should be longer than that of a proxy in front; 0 means no limit [default: 75s]'
            cand --head-timeout 'Time for the head of a request to arrive; 0 means no limit [default: 10s]'
            cand --close-timeout 'Time for the peer to answer our Close, more than 0 [default: 5s]'
            cand --drain 'When the server stops, spread the ends of its connections over this long, at most 10 ms for each connection of a worker; 0 ends all at once [default: 10s]'
            cand --stall-timeout 'End a blocked connection after this long without progress; 0 means no limit [default: 30s]'
            cand --message-timeout 'Time for a complete message to arrive; 0 means no limit [default: 5m]'
            cand --memory 'Memory for incomplete messages and requests and for data queued for slow readers, of all connections; beyond it, those that hold the most are closed [default: 256MiB]'
            cand --log 'Log level for stderr: off, error, warn, info, debug or trace [default: info]'
            cand --tls-cert 'File with the certificate (PEM), followed by those of intermediate authorities; with it, listeners speak TLS. May be given several times, each with its --tls-key: clients get the one for the name they ask for, otherwise the first. A server reloads it when it changes [default: no TLS]'
            cand --tls-key 'File with the key of the certificate (PEM, not encrypted); one for each --tls-cert, in the same order [default: none]'
            cand --tls-self-signed 'For development: speak TLS with a new certificate for localhost, this machine and the --host names of a server, which clients do not trust [default: false]'
            cand --tls-min-version 'Lowest version of TLS [default: 1.2]'
            cand --tls-client-ca 'File with the authorities (PEM) that sign the certificates of clients; a server reloads it when it changes [default: clients need none]'
            cand --tls-client-auth 'Whether clients must have a certificate of --tls-client-ca [default: required]'
            cand --access-log 'Write a line for each request to this file, or to stdout with `-`, without tokens; SIGHUP opens the file again [default: none]'
            cand --access-log-format 'The form of these lines [default: combined]'
            cand --trace 'Write all traffic of the connections, secrets included, to this file, as a capture that `wirebell inspect` and Wireshark can read [default: none]'
            cand --trace-limit 'Stop writing the trace at this size; 0 means no limit [default: 1GiB]'
            cand --check 'Check the settings, print them as they would be used, and exit'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wirebell;echo'= {
            cand --config 'Read settings from this TOML file'
            cand --subprotocol 'Subprotocol to confirm to clients that offer it; may be given several times, then the client''s order decides [default: whichever the client offers first]'
            cand -l 'Where to listen: ADDR:PORT, unix:PATH, or fd:N for a socket that systemd passes (LISTEN_FDS; without this setting, all of them are used); may be given several times. With a certificate (--tls-cert) it speaks TLS there; http:ADDR:PORT stays unencrypted, and redirect:ADDR:PORT leads to https, at the port where TLS is spoken on that address, or at another one: redirect:ADDR:PORT=443 [default: 127.0.0.1:8080]'
            cand --listen 'Where to listen: ADDR:PORT, unix:PATH, or fd:N for a socket that systemd passes (LISTEN_FDS; without this setting, all of them are used); may be given several times. With a certificate (--tls-cert) it speaks TLS there; http:ADDR:PORT stays unencrypted, and redirect:ADDR:PORT leads to https, at the port where TLS is spoken on that address, or at another one: redirect:ADDR:PORT=443 [default: 127.0.0.1:8080]'
            cand -w 'Worker threads; 0 means one per core [default: 0]'
            cand --workers 'Worker threads; 0 means one per core [default: 0]'
            cand --host 'Host name that requests may use for this server, without a port; may be given several times. A server on a loopback address always accepts `localhost` and loopback addresses [default: any name, unless on loopback]'
            cand --origin 'Origins of web pages that may connect, besides those of the same host: exact ones such as https://example.org, all subdomains as in https://*.example.org, `null`, `file://`, or `any`; may be given several times [default: same-host]'
            cand --max-message 'Longest message, all fragments together; a longer one closes the connection with 1009 [default: 16MiB]'
            cand --max-queued 'Bytes that may be queued for one slow connection [default: 1MiB]'
            cand --overflow 'What to do when more is queued for a connection [default: disconnect]'
            cand --deflate 'Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`, which keeps the window between messages: smaller, but up to 320 KiB per connection [default: on]'
            cand --deflate-level 'Compression level, from 1 (fastest) to 9 [default: 2]'
            cand --deflate-window-bits 'Compression window, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages, and requested from clients that let us choose [default: 15]'
            cand --deflate-budget 'Memory that all connections together may use for `takeover`; beyond it, new connections go without [default: 64MiB]'
            cand --deflate-min 'Shortest message that is compressed [default: 128B]'
            cand --max-connections 'Connections per worker; more are closed at once [default: 1000000]'
            cand --max-connections-per-address 'Connections per address (IPv6: /64) and worker; 0 means no limit [default: 0]'
            cand --ping-interval 'Send a Ping after this long without traffic; 0 disables [default: 30s]'
            cand --pong-timeout 'Time for the Pong to arrive; 0 means no limit [default: 15s]'
            cand --max-head 'Longest head of a request [default: 32KiB]'
            cand --max-fields 'Header fields of a request, up to 128 [default: 100]'
            cand --max-target 'Longest target of a request: path and query [default: 16KiB]'
            cand --idle-timeout 'Time that an HTTP connection may be idle between requests; should be longer than that of a proxy in front; 0 means no limit [default: 75s]'
            cand --head-timeout 'Time for the head of a request to arrive; 0 means no limit [default: 10s]'
            cand --close-timeout 'Time for the peer to answer our Close, more than 0 [default: 5s]'
            cand --drain 'When the server stops, spread the ends of its connections over this long, at most 10 ms for each connection of a worker; 0 ends all at once [default: 10s]'
            cand --stall-timeout 'End a blocked connection after this long without progress; 0 means no limit [default: 30s]'
            cand --message-timeout 'Time for a complete message to arrive; 0 means no limit [default: 5m]'
            cand --memory 'Memory for incomplete messages and requests and for data queued for slow readers, of all connections; beyond it, those that hold the most are closed [default: 256MiB]'
            cand --log 'Log level for stderr: off, error, warn, info, debug or trace [default: info]'
            cand --tls-cert 'File with the certificate (PEM), followed by those of intermediate authorities; with it, listeners speak TLS. May be given several times, each with its --tls-key: clients get the one for the name they ask for, otherwise the first. A server reloads it when it changes [default: no TLS]'
            cand --tls-key 'File with the key of the certificate (PEM, not encrypted); one for each --tls-cert, in the same order [default: none]'
            cand --tls-self-signed 'For development: speak TLS with a new certificate for localhost, this machine and the --host names of a server, which clients do not trust [default: false]'
            cand --tls-min-version 'Lowest version of TLS [default: 1.2]'
            cand --tls-client-ca 'File with the authorities (PEM) that sign the certificates of clients; a server reloads it when it changes [default: clients need none]'
            cand --tls-client-auth 'Whether clients must have a certificate of --tls-client-ca [default: required]'
            cand --trace 'Write all traffic of the connections, secrets included, to this file, as a capture that `wirebell inspect` and Wireshark can read [default: none]'
            cand --trace-limit 'Stop writing the trace at this size; 0 means no limit [default: 1GiB]'
            cand --check 'Check the settings, print them as they would be used, and exit'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wirebell;connect'= {
            cand -H 'Send this header field with the handshake; may be given several times'
            cand --header 'Send this header field with the handshake; may be given several times'
            cand --subprotocol 'Offer this subprotocol; may be given several times, the preferred one first'
            cand --origin 'Send this Origin, as a page from it would'
            cand --auth 'Send `Authorization: Basic` with this user and password'
            cand --token 'Send `Authorization: Bearer` with this token'
            cand --binary 'Send and print binary messages: `hex`, one line of hexadecimal digits each, or `raw`, bytes as they are [default: text; a binary message that arrives is printed as hex]'
            cand --since 'Topics: begin in the past: with `all` that the server has, a time ago such as `10m`, a time such as 2026-11-28T00:20:00Z, or after a position such as q7c2m4-41 [default: `new`]'
            cand --resume-file 'Topics: continue after the position in this file, if it exists, and keep it up to date: a message that was printed is not printed again by the next start. Wins over --since'
            cand --ping 'Send a Ping after this many seconds without traffic; 0 disables'
            cand --max-messages 'Close after N messages have arrived'
            cand --wait 'Keep receiving for this long after the end of stdin before closing'
            cand --reconnect 'Reconnect with growing delays when the connection cannot be opened or is lost; at most N attempts in a row, 0 for no limit. Input that arrives meanwhile is sent later'
            cand --trace 'Write all traffic of the connection to this file, as a capture that `wirebell inspect` and Wireshark can read'
            cand --trace-limit 'Stop writing the trace at this size; 0 means no limit'
            cand --deflate 'Compression to offer: `off`, `on`, or `takeover`, which keeps the window between messages'
            cand --max-message 'Longest message to receive, and longest line to send'
            cand --proxy 'Use this HTTP proxy: http://[USER:PASS@]HOST[:PORT] [default: from ws_proxy, http_proxy, all_proxy and no_proxy; for wss:// from wss_proxy and https_proxy]'
            cand --timeout 'Timeout for the connection and the handshake; 0 means no limit'
            cand --ca-file 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts'
            cand --client-cert 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file'
            cand --cert 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file'
            cand --client-key 'The key of that certificate: a PEM file'
            cand --key 'The key of that certificate: a PEM file'
            cand --tls-server-name 'The name that the server must prove, instead of the host of the URL'
            cand --json-lines 'Send and print each message as a line of JSON: a string is text, `{"base64":"..."}` is binary. This way messages may contain line breaks'
            cand --json 'Topics: print each message with its topic, position and time, as a line of JSON'
            cand --no-follow 'Topics: do not follow them, but send lines and print what arrives as on any other path'
            cand -n 'Do not read stdin; only receive, until the server closes or a signal arrives'
            cand --no-input 'Do not read stdin; only receive, until the server closes or a signal arrives'
            cand --show-frames 'Print every frame, both ways, on stderr'
            cand --no-proxy 'Use no proxy, whatever the environment says'
            cand -k 'Trust every server: any machine in between can read and change everything'
            cand --insecure 'Trust every server: any machine in between can read and change everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wirebell;push'= {
            cand --server 'The push server: http://HOST[:PORT], or https://...'
            cand --topic 'The topic to publish to, such as orders.eu'
            cand --user 'The user to push to, at /push'
            cand --event 'The event to push, at /push'
            cand --file 'Publish the content of this file as it is; `-` is stdin. With --lines or --batch, read those from it'
            cand --content-type 'The media type [default: text/plain; charset=utf-8]. One that is not text, such as application/octet-stream, makes the message binary'
            cand --ttl 'Do not replay the message to those who subscribe later than this: 10m, or a number of seconds; 0 for those alone who listen now'
            cand --key 'The Idempotency-Key: within five minutes, a message is published once under the same key'
            cand --wait-for-subscribers 'Publish only once the topic has a subscriber: asks the server until it has one, at most for TIME, or without limit if none is given. Needs the right to subscribe to it'
            cand --receipt 'Ask for receipts, for at most TIME: the answer, which is printed, says how many connections have read the message'
            cand --auth 'Send `Authorization: Basic` with this user and password'
            cand --token 'Send `Authorization: Bearer` with this token'
            cand --key-file 'File with the key that the server requires at /push, or with a token; the key may also be in the environment variable WIREBELL_PUSH_KEY'
            cand --attempts 'Attempts per message or batch, with growing delays between them'
            cand --timeout 'Timeout of one attempt; 0 means no limit'
            cand --ca-file 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts'
            cand --client-cert 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file'
            cand --tls-server-name 'The name that the server must prove, instead of the host of the URL'
            cand --client-key 'The key of that certificate: a PEM file; --key is that of a message'
            cand --lines 'Push each line as a separate message, as it arrives; empty lines are skipped'
            cand --batch 'Publish many messages a request, as they arrive: one JSON object a line, such as `{"topic":"orders.eu","data":"shipped"}`, with "base64" instead of "data" for binary messages, and optionally "ttl" and "key"; "topic" may be a list'
            cand -v 'Print the answer of the server to each message: how many connections it reached'
            cand --verbose 'Print the answer of the server to each message: how many connections it reached'
            cand -k 'Trust every server: any machine in between can read and change everything'
            cand --insecure 'Trust every server: any machine in between can read and change everything'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;token'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand new 'Create a token, print it once, and add it to the file, which is created if missing'
            cand list 'List the tokens: their names and rights, and the first digits of their digests'
            cand revoke 'Remove tokens: connections that use them end within a second'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wirebell;token;new'= {
            cand --tokens 'The file of tokens'
            cand --name 'Whose token it is; several tokens may have one name'
            cand --publish 'Topics that it may publish to: names, or patterns such as orders.*.eu or orders.**; may be given several times'
            cand --subscribe 'Topics that it may subscribe to'
            cand --expires 'When it ends: a time from now such as 30d or 12h, or a time in the form of RFC 3339 [default: never]'
            cand --admin 'Let it read the server''s own topics, such as $stats'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;token;list'= {
            cand --tokens 'The file of tokens'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;token;revoke'= {
            cand --tokens 'The file of tokens'
            cand --name 'All tokens of this name'
            cand --subject 'All JWTs of this subject, those that are still to be issued as well'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;token;help'= {
            cand new 'Create a token, print it once, and add it to the file, which is created if missing'
            cand list 'List the tokens: their names and rights, and the first digits of their digests'
            cand revoke 'Remove tokens: connections that use them end within a second'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wirebell;token;help;new'= {
        }
        &'wirebell;token;help;list'= {
        }
        &'wirebell;token;help;revoke'= {
        }
        &'wirebell;token;help;help'= {
        }
        &'wirebell;data'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand check 'Compare every page with its checksum, read every message, and say what there is'
            cand compact 'Give the space of removed messages back to the disk'
            cand export 'Print every message as a line of JSON, oldest first'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wirebell;data;check'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;data;compact'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;data;export'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;data;help'= {
            cand check 'Compare every page with its checksum, read every message, and say what there is'
            cand compact 'Give the space of removed messages back to the disk'
            cand export 'Print every message as a line of JSON, oldest first'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wirebell;data;help;check'= {
        }
        &'wirebell;data;help;compact'= {
        }
        &'wirebell;data;help;export'= {
        }
        &'wirebell;data;help;help'= {
        }
        &'wirebell;certificate'= {
            cand -o 'Write cert.pem and key.pem into this directory, which is created if missing'
            cand --output 'Write cert.pem and key.pem into this directory, which is created if missing'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;verify'= {
            cand -H 'Send this header field with each handshake; may be given several times'
            cand --header 'Send this header field with each handshake; may be given several times'
            cand --subprotocol 'Offer this subprotocol with each handshake; may be given several times, the preferred one first'
            cand --auth 'Send `Authorization: Basic` with this user and password'
            cand --token 'Send `Authorization: Bearer` with this token'
            cand --listen 'Test a client instead: listen here for it; port 0 picks a free port'
            cand --wait 'How long to wait for the client''s next connection [default: forever for the first one, then 30s]'
            cand --case 'Run only cases that match this name, where * matches anything; may be given several times'
            cand --skip 'Skip cases that match this name; may be given several times'
            cand --level 'Run only cases of this level or stricter'
            cand --fail-on 'The lowest level at which a failure counts for the exit status'
            cand --replay 'Send the streams in this file once, as --random prints them'
            cand --seconds 'How long to send random streams; a client of --listen is asked for 200 each second'
            cand --seed 'Where the random streams begin: the same seed gives the same streams [default: by chance]'
            cand --max-deviations 'End as soon as random streams show N different deviations'
            cand --format 'Format of the report'
            cand -o 'Write the report to this file'
            cand --output 'Write the report to this file'
            cand -j 'Cases to run concurrently; with --listen, the client decides'
            cand --jobs 'Cases to run concurrently; with --listen, the client decides'
            cand --timeout 'How long to wait for an answer'
            cand --tls-cert 'File with the certificate (PEM), followed by those of intermediate authorities; with it, listeners speak TLS. May be given several times, each with its --tls-key: clients get the one for the name they ask for, otherwise the first. A server reloads it when it changes [default: no TLS]'
            cand --tls-key 'File with the key of the certificate (PEM, not encrypted); one for each --tls-cert, in the same order [default: none]'
            cand --tls-self-signed 'For development: speak TLS with a new certificate for localhost, this machine and the --host names of a server, which clients do not trust [default: false]'
            cand --tls-min-version 'Lowest version of TLS [default: 1.2]'
            cand --tls-client-ca 'File with the authorities (PEM) that sign the certificates of clients; a server reloads it when it changes [default: clients need none]'
            cand --tls-client-auth 'Whether clients must have a certificate of --tls-client-ca [default: required]'
            cand --ca-file 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts'
            cand --client-cert 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file'
            cand --cert 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file'
            cand --client-key 'The key of that certificate: a PEM file'
            cand --key 'The key of that certificate: a PEM file'
            cand --tls-server-name 'The name that the server must prove, instead of the host of the URL'
            cand --force 'Run the cases even if the server opens no WebSocket or does not echo'
            cand --random 'Send random streams of valid and broken frames instead of the cases, and compare the answers with what the RFCs allow'
            cand --list 'List the cases without running them; with --listen, those for clients'
            cand -v 'Show every case and the bytes exchanged, not only failures'
            cand --verbose 'Show every case and the bytes exchanged, not only failures'
            cand -k 'Trust every server: any machine in between can read and change everything'
            cand --insecure 'Trust every server: any machine in between can read and change everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand report 'Put reports in JSON side by side on one page of HTML'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wirebell;verify;report'= {
            cand -o 'Write the page to this file'
            cand --output 'Write the page to this file'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;verify;help'= {
            cand report 'Put reports in JSON side by side on one page of HTML'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wirebell;verify;help;report'= {
        }
        &'wirebell;verify;help;help'= {
        }
        &'wirebell;doctor'= {
            cand --minutes 'Also leave a WebSocket silent for this many minutes, such as 5 or 0.5, to find the idle timeout of the path'
            cand --topic 'The topic to subscribe to, and to publish one message to that is not kept [default: a new one, doctor.RANDOM]'
            cand --origin 'A page whose scripts use the server, such as https://app.example.org: checks that browsers would let them. May be repeated'
            cand --auth 'Send `Authorization: Basic` with this user and password'
            cand --token 'Send `Authorization: Bearer` with this token'
            cand --timeout 'How long a connection, a response or a message may take; 0 means no limit'
            cand --format 'The report: text for people, or one object of JSON'
            cand --ca-file 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts'
            cand --client-cert 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file'
            cand --cert 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file'
            cand --client-key 'The key of that certificate: a PEM file'
            cand --key 'The key of that certificate: a PEM file'
            cand --tls-server-name 'The name that the server must prove, instead of the host of the URL'
            cand --strict 'Exit with 1 for warnings too'
            cand -k 'Trust every server: any machine in between can read and change everything'
            cand --insecure 'Trust every server: any machine in between can read and change everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wirebell;inspect'= {
            cand --format 'Output format'
            cand --as 'Form of the input [default: detected]'
            cand --from 'Who sent the bytes, for hex and raw [default: detected from the first frame or head]'
            cand --deflate 'The negotiated compression, as in the server''s response, when the input has no handshake: ''permessage-deflate; server_no_context_takeover'''
            cand --show-bytes 'Show at most N bytes of each payload in text and HTML; JSON has them all'
            cand --max-items 'Explain at most N heads and frames of each side; the rest are counted and checked, and up to N more with a violation are explained'
            cand -o 'Write to this file instead of stdout'
            cand --output 'Write to this file instead of stdout'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wirebell;bench'= {
            cand -m 'What to measure'
            cand --mode 'What to measure'
            cand -c 'Connections; `handshake`: at most N open at a time'
            cand --connections 'Connections; `handshake`: at most N open at a time'
            cand -s 'Payload of a message [default: 32B; `fan-out`: 128B]'
            cand --size 'Payload of a message [default: 32B; `fan-out`: 128B]'
            cand --depth 'Messages in flight on each connection [default: 1; with --rate up to 256 KiB of them]'
            cand -r 'Messages (or handshakes, or publications) per second over all connections [default: a closed loop]'
            cand --rate 'Messages (or handshakes, or publications) per second over all connections [default: a closed loop]'
            cand --warm-up 'Warm-up under load before the measurement'
            cand -d 'Duration of the measurement'
            cand --duration 'Duration of the measurement'
            cand --deflate 'Compression to offer: `off`, `on`, or `takeover`, which keeps the window between messages'
            cand -t 'Event loops, one thread each'
            cand --threads 'Event loops, one thread each'
            cand --ramp 'Connections to open per second [default: sequentially, without a pause]'
            cand -H 'Send this header field with each handshake, and with each publication over HTTP; may be given several times'
            cand --header 'Send this header field with each handshake, and with each publication over HTTP; may be given several times'
            cand --subprotocol 'Offer this subprotocol; may be given several times, the preferred one first'
            cand --auth 'Send `Authorization: Basic` with this user and password'
            cand --token 'Send `Authorization: Bearer` with this token'
            cand -p 'Process ID of the server on this machine: measure its CPU time, or with `idle` its memory'
            cand --pid 'Process ID of the server on this machine: measure its CPU time, or with `idle` its memory'
            cand --ping '`idle`: send a Ping after this long without traffic; 0 disables'
            cand --publishers '`fan-out`: publishers, one thread each'
            cand --subscribe '`fan-out`: what a subscriber sends first; empty for nothing'
            cand --publish-url '`fan-out`: where to publish: http(s)://... for a POST, ws(s)://... for a message [default: /push of the same server]'
            cand --publish '`fan-out`: what to publish, where {message} is replaced by the message'
            cand --topic '`fan-out`: subscribe to this topic at /topics/TOPIC, and publish to it over HTTP, on one connection per publisher that stays open'
            cand --batch '`fan-out` with --topic: publish N messages in one request'
            cand --pipeline '`fan-out` with --topic: send N requests before the first is answered'
            cand --timeout 'Timeout for a connection and its handshake, and for answers still missing at the end'
            cand --format 'Format of the report'
            cand -o 'Write the report to this file'
            cand --output 'Write the report to this file'
            cand --plot 'Plot the latencies by percentile into this SVG file'
            cand --ca-file 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts'
            cand --client-cert 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file'
            cand --cert 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file'
            cand --client-key 'The key of that certificate: a PEM file'
            cand --key 'The key of that certificate: a PEM file'
            cand --tls-server-name 'The name that the server must prove, instead of the host of the URL'
            cand --text 'Send text instead of binary messages'
            cand --touch '`idle`: first echo one message on each connection'
            cand --envelopes '`fan-out` with --topic: subscribe with wirebell.v1, not to bare payloads'
            cand -k 'Trust every server: any machine in between can read and change everything'
            cand --insecure 'Trust every server: any machine in between can read and change everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wirebell;completions'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;man'= {
            cand -o 'Write all pages into this directory, which is created if missing'
            cand --output 'Write all pages into this directory, which is created if missing'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;help'= {
            cand serve 'Run the push server'
            cand echo 'Echo every message on every path, for conformance and load tools'
            cand connect 'Connect to a server: send lines, print messages'
            cand push 'Publish to a push server'
            cand token 'Create, list and revoke the tokens of a push server'
            cand data 'Check, shrink and export the data file of a push server'
            cand certificate 'Make a self-signed certificate for development'
            cand verify 'Test whether an echo server or a client conforms to the RFCs'
            cand doctor 'Check a deployment from outside, and say what to change'
            cand inspect 'Explain captured frames byte by byte'
            cand bench 'Load a server and measure it'
            cand completions 'Print a shell completion script'
            cand man 'Print a manual page, or write all of them'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wirebell;help;serve'= {
        }
        &'wirebell;help;echo'= {
        }
        &'wirebell;help;connect'= {
        }
        &'wirebell;help;push'= {
        }
        &'wirebell;help;token'= {
            cand new 'Create a token, print it once, and add it to the file, which is created if missing'
            cand list 'List the tokens: their names and rights, and the first digits of their digests'
            cand revoke 'Remove tokens: connections that use them end within a second'
        }
        &'wirebell;help;token;new'= {
        }
        &'wirebell;help;token;list'= {
        }
        &'wirebell;help;token;revoke'= {
        }
        &'wirebell;help;data'= {
            cand check 'Compare every page with its checksum, read every message, and say what there is'
            cand compact 'Give the space of removed messages back to the disk'
            cand export 'Print every message as a line of JSON, oldest first'
        }
        &'wirebell;help;data;check'= {
        }
        &'wirebell;help;data;compact'= {
        }
        &'wirebell;help;data;export'= {
        }
        &'wirebell;help;certificate'= {
        }
        &'wirebell;help;verify'= {
            cand report 'Put reports in JSON side by side on one page of HTML'
        }
        &'wirebell;help;verify;report'= {
        }
        &'wirebell;help;doctor'= {
        }
        &'wirebell;help;inspect'= {
        }
        &'wirebell;help;bench'= {
        }
        &'wirebell;help;completions'= {
        }
        &'wirebell;help;man'= {
        }
        &'wirebell;help;help'= {
        }
    ]
    $completions[$command]
}
