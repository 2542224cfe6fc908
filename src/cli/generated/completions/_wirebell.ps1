
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'wirebell' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'wirebell'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'wirebell' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run the push server')
            [CompletionResult]::new('echo', 'echo', [CompletionResultType]::ParameterValue, 'Echo every message on every path, for conformance and load tools')
            [CompletionResult]::new('connect', 'connect', [CompletionResultType]::ParameterValue, 'Connect to a server: send lines, print messages')
            [CompletionResult]::new('push', 'push', [CompletionResultType]::ParameterValue, 'Publish to a push server')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Create, list and revoke the tokens of a push server')
            [CompletionResult]::new('data', 'data', [CompletionResultType]::ParameterValue, 'Check, shrink and export the data file of a push server')
            [CompletionResult]::new('certificate', 'certificate', [CompletionResultType]::ParameterValue, 'Make a self-signed certificate for development')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Test whether an echo server or a client conforms to the RFCs')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check a deployment from outside, and say what to change')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Explain captured frames byte by byte')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Load a server and measure it')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a shell completion script')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page, or write all of them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wirebell;serve' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this TOML file')
            [CompletionResult]::new('--take-over', '--take-over', [CompletionResultType]::ParameterName, 'Take over listeners, topics and connections from the server with this --upgrade-socket; its clients do not notice. If that fails, it goes on, and this one ends')
            [CompletionResult]::new('--tokens', '--tokens', [CompletionResultType]::ParameterName, 'File of tokens (TOML), each with the topics that it may publish and subscribe to, as `wirebell token` writes it; reloaded when it changes [default: no tokens are needed]')
            [CompletionResult]::new('--jwt-key-file', '--jwt-key-file', [CompletionResultType]::ParameterName, 'File with the key of JWTs (HS256, at least 32 bytes), which are accepted besides the tokens of --tokens; reloaded when it changes [default: none are accepted]')
            [CompletionResult]::new('--data', '--data', [CompletionResultType]::ParameterName, 'Keep messages and state in this file: a publication is answered and delivered once it is on the disk. It is created if it does not exist [default: everything is in memory]')
            [CompletionResult]::new('--data-size', '--data-size', [CompletionResultType]::ParameterName, 'Bytes of messages that the file keeps; beyond it the oldest go [default: 4GiB]')
            [CompletionResult]::new('--engine', '--engine', [CompletionResultType]::ParameterName, 'Share messages with other servers through Redis 7 or Valkey, such as redis://:PASSWORD@HOST:6379/0?prefix=w (rediss:// for TLS). Others can see the arguments of a command: a password is better in the variable or in the settings file [default: none are shared]')
            [CompletionResult]::new('--upgrade-socket', '--upgrade-socket', [CompletionResultType]::ParameterName, 'Unix socket at which another process of the same user may take over, with `--take-over`; SIGUSR2 then starts one, with the same arguments [default: none, or that of --take-over]')
            [CompletionResult]::new('--gotify', '--gotify', [CompletionResultType]::ParameterName, 'Serve clients of gotify 2.x. The password of the first user is printed once. Without --data, users, applications and messages are in memory [default: only with --data]')
            [CompletionResult]::new('--open', '--open', [CompletionResultType]::ParameterName, 'Listen beyond this machine without tokens: anyone who can reach the server may then publish and subscribe to everything [default: false]')
            [CompletionResult]::new('--push-key-file', '--push-key-file', [CompletionResultType]::ParameterName, 'For /push and /drop: file with the key that publishers must send as `Authorization: Bearer KEY`; the key may also be in the environment variable WIREBELL_PUSH_KEY [default: anyone may publish]')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'For /ws: file with lines of `TOKEN USER`; reloaded when it changes [default: a token is the name of its user]')
            [CompletionResult]::new('--trusted-proxy', '--trusted-proxy', [CompletionResultType]::ParameterName, 'Reverse proxy that is believed when it says in X-Forwarded-For or Forwarded whose request it passes on: an address, a network such as 10.0.0.0/8, or `unix` for unix sockets; may be given several times [default: none]')
            [CompletionResult]::new('--connection-rate', '--connection-rate', [CompletionResultType]::ParameterName, 'Connections that one address (IPv6: /64) may open, such as 100/s:500. Those beyond it are closed before anything is read; a --trusted-proxy may open any number [default: no limit]')
            [CompletionResult]::new('--handshake-rate', '--handshake-rate', [CompletionResultType]::ParameterName, 'WebSockets and streams that one address (IPv6: /64), and one token, may open: such as 10/s, 600/m, or 10/s:50 with 50 at once. Those beyond it get 429. Set --trusted-proxy behind a proxy; loopback addresses count too [default: no limit]')
            [CompletionResult]::new('--publish-rate', '--publish-rate', [CompletionResultType]::ParameterName, 'Messages that one address, and one token, may publish, each line of a batch counted [default: no limit]')
            [CompletionResult]::new('--connections-per-token', '--connections-per-token', [CompletionResultType]::ParameterName, 'WebSockets and streams that the tokens of one name, or one user of /ws, may have open at the same time; 0 means no limit [default: 0]')
            [CompletionResult]::new('--max-body', '--max-body', [CompletionResultType]::ParameterName, 'Longest body of an HTTP request [default: 1MiB]')
            [CompletionResult]::new('--register-timeout', '--register-timeout', [CompletionResultType]::ParameterName, 'Time within which a connection to /ws must register; 0 means no limit [default: 30s]')
            [CompletionResult]::new('--echo', '--echo', [CompletionResultType]::ParameterName, 'Serve /echo, a WebSocket that echoes, even with keys or tokens; `--echo=false` turns it off [default: only without keys and tokens]')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Where to listen: ADDR:PORT, unix:PATH, or fd:N for a socket that systemd passes (LISTEN_FDS; without this setting, all of them are used); may be given several times. With a certificate (--tls-cert) it speaks TLS there; http:ADDR:PORT stays unencrypted, and redirect:ADDR:PORT leads to https, at the port where TLS is spoken on that address, or at another one: redirect:ADDR:PORT=443 [default: 127.0.0.1:8080]')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Where to listen: ADDR:PORT, unix:PATH, or fd:N for a socket that systemd passes (LISTEN_FDS; without this setting, all of them are used); may be given several times. With a certificate (--tls-cert) it speaks TLS there; http:ADDR:PORT stays unencrypted, and redirect:ADDR:PORT leads to https, at the port where TLS is spoken on that address, or at another one: redirect:ADDR:PORT=443 [default: 127.0.0.1:8080]')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Worker threads; 0 means one per core [default: 0]')
            [CompletionResult]::new('--workers', '--workers', [CompletionResultType]::ParameterName, 'Worker threads; 0 means one per core [default: 0]')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Host name that requests may use for this server, without a port; may be given several times. A server on a loopback address always accepts `localhost` and loopback addresses [default: any name, unless on loopback]')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Origins of web pages that may connect, besides those of the same host: exact ones such as https://example.org, all subdomains as in https://*.example.org, `null`, `file://`, or `any`; may be given several times [default: same-host]')
            [CompletionResult]::new('--max-message', '--max-message', [CompletionResultType]::ParameterName, 'Longest message, all fragments together; a longer one closes the connection with 1009 [default: 16MiB]')
            [CompletionResult]::new('--max-queued', '--max-queued', [CompletionResultType]::ParameterName, 'Bytes that may be queued for one slow connection [default: 1MiB]')
            [CompletionResult]::new('--overflow', '--overflow', [CompletionResultType]::ParameterName, 'What to do when more is queued for a connection [default: disconnect]')
            [CompletionResult]::new('--deflate', '--deflate', [CompletionResultType]::ParameterName, 'Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`, which keeps the window between messages: smaller, but up to 320 KiB per connection [default: on]')
            [CompletionResult]::new('--deflate-level', '--deflate-level', [CompletionResultType]::ParameterName, 'Compression level, from 1 (fastest) to 9 [default: 2]')
            [CompletionResult]::new('--deflate-window-bits', '--deflate-window-bits', [CompletionResultType]::ParameterName, 'Compression window, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages, and requested from clients that let us choose [default: 15]')
            [CompletionResult]::new('--deflate-budget', '--deflate-budget', [CompletionResultType]::ParameterName, 'Memory that all connections together may use for `takeover`; beyond it, new connections go without [default: 64MiB]')
            [CompletionResult]::new('--deflate-min', '--deflate-min', [CompletionResultType]::ParameterName, 'Shortest message that is compressed [default: 128B]')
            [CompletionResult]::new('--max-connections', '--max-connections', [CompletionResultType]::ParameterName, 'Connections per worker; more are closed at once [default: 1000000]')
            [CompletionResult]::new('--max-connections-per-address', '--max-connections-per-address', [CompletionResultType]::ParameterName, 'Connections per address (IPv6: /64) and worker; 0 means no limit [default: 0]')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Send a Ping after this long without traffic; 0 disables [default: 30s]')
            [CompletionResult]::new('--pong-timeout', '--pong-timeout', [CompletionResultType]::ParameterName, 'Time for the Pong to arrive; 0 means no limit [default: 15s]')
            [CompletionResult]::new('--max-head', '--max-head', [CompletionResultType]::ParameterName, 'Longest head of a request [default: 32KiB]')
            [CompletionResult]::new('--max-fields', '--max-fields', [CompletionResultType]::ParameterName, 'Header fields of a request, up to 128 [default: 100]')
            [CompletionResult]::new('--max-target', '--max-target', [CompletionResultType]::ParameterName, 'Longest target of a request: path and query [default: 16KiB]')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Time that an HTTP connection may be idle between requests; should be longer than that of a proxy in front; 0 means no limit [default: 75s]')
            [CompletionResult]::new('--head-timeout', '--head-timeout', [CompletionResultType]::ParameterName, 'Time for the head of a request to arrive; 0 means no limit [default: 10s]')
            [CompletionResult]::new('--close-timeout', '--close-timeout', [CompletionResultType]::ParameterName, 'Time for the peer to answer our Close, more than 0 [default: 5s]')
            [CompletionResult]::new('--drain', '--drain', [CompletionResultType]::ParameterName, 'When the server stops, spread the ends of its connections over this long, at most 10 ms for each connection of a worker; 0 ends all at once [default: 10s]')
            [CompletionResult]::new('--stall-timeout', '--stall-timeout', [CompletionResultType]::ParameterName, 'End a blocked connection after this long without progress; 0 means no limit [default: 30s]')
            [CompletionResult]::new('--message-timeout', '--message-timeout', [CompletionResultType]::ParameterName, 'Time for a complete message to arrive; 0 means no limit [default: 5m]')
            [CompletionResult]::new('--memory', '--memory', [CompletionResultType]::ParameterName, 'Memory for incomplete messages and requests and for data queued for slow readers, of all connections; beyond it, those that hold the most are closed [default: 256MiB]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Log level for stderr: off, error, warn, info, debug or trace [default: info]')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'File with the certificate (PEM), followed by those of intermediate authorities; with it, listeners speak TLS. May be given several times, each with its --tls-key: clients get the one for the name they ask for, otherwise the first. A server reloads it when it changes [default: no TLS]')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'File with the key of the certificate (PEM, not encrypted); one for each --tls-cert, in the same order [default: none]')
            [CompletionResult]::new('--tls-self-signed', '--tls-self-signed', [CompletionResultType]::ParameterName, 'For development: speak TLS with a new certificate for localhost, this machine and the --host names of a server, which clients do not trust [default: false]')
            [CompletionResult]::new('--tls-min-version', '--tls-min-version', [CompletionResultType]::ParameterName, 'Lowest version of TLS [default: 1.2]')
            [CompletionResult]::new('--tls-client-ca', '--tls-client-ca', [CompletionResultType]::ParameterName, 'File with the authorities (PEM) that sign the certificates of clients; a server reloads it when it changes [default: clients need none]')
            [CompletionResult]::new('--tls-client-auth', '--tls-client-auth', [CompletionResultType]::ParameterName, 'Whether clients must have a certificate of --tls-client-ca [default: required]')
            [CompletionResult]::new('--access-log', '--access-log', [CompletionResultType]::ParameterName, 'Write a line for each request to this file, or to stdout with `-`, without tokens; SIGHUP opens the file again [default: none]')
            [CompletionResult]::new('--access-log-format', '--access-log-format', [CompletionResultType]::ParameterName, 'The form of these lines [default: combined]')
            [CompletionResult]::new('--trace', '--trace', [CompletionResultType]::ParameterName, 'Write all traffic of the connections, secrets included, to this file, as a capture that `wirebell inspect` and Wireshark can read [default: none]')
            [CompletionResult]::new('--trace-limit', '--trace-limit', [CompletionResultType]::ParameterName, 'Stop writing the trace at this size; 0 means no limit [default: 1GiB]')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Check the settings, print them as they would be used, and exit')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wirebell;echo' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this TOML file')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Subprotocol to confirm to clients that offer it; may be given several times, then the client''s order decides [default: whichever the client offers first]')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Where to listen: ADDR:PORT, unix:PATH, or fd:N for a socket that systemd passes (LISTEN_FDS; without this setting, all of them are used); may be given several times. With a certificate (--tls-cert) it speaks TLS there; http:ADDR:PORT stays unencrypted, and redirect:ADDR:PORT leads to https, at the port where TLS is spoken on that address, or at another one: redirect:ADDR:PORT=443 [default: 127.0.0.1:8080]')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Where to listen: ADDR:PORT, unix:PATH, or fd:N for a socket that systemd passes (LISTEN_FDS; without this setting, all of them are used); may be given several times. With a certificate (--tls-cert) it speaks TLS there; http:ADDR:PORT stays unencrypted, and redirect:ADDR:PORT leads to https, at the port where TLS is spoken on that address, or at another one: redirect:ADDR:PORT=443 [default: 127.0.0.1:8080]')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Worker threads; 0 means one per core [default: 0]')
            [CompletionResult]::new('--workers', '--workers', [CompletionResultType]::ParameterName, 'Worker threads; 0 means one per core [default: 0]')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Host name that requests may use for this server, without a port; may be given several times. A server on a loopback address always accepts `localhost` and loopback addresses [default: any name, unless on loopback]')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Origins of web pages that may connect, besides those of the same host: exact ones such as https://example.org, all subdomains as in https://*.example.org, `null`, `file://`, or `any`; may be given several times [default: same-host]')
            [CompletionResult]::new('--max-message', '--max-message', [CompletionResultType]::ParameterName, 'Longest message, all fragments together; a longer one closes the connection with 1009 [default: 16MiB]')
            [CompletionResult]::new('--max-queued', '--max-queued', [CompletionResultType]::ParameterName, 'Bytes that may be queued for one slow connection [default: 1MiB]')
            [CompletionResult]::new('--overflow', '--overflow', [CompletionResultType]::ParameterName, 'What to do when more is queued for a connection [default: disconnect]')
            [CompletionResult]::new('--deflate', '--deflate', [CompletionResultType]::ParameterName, 'Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`, which keeps the window between messages: smaller, but up to 320 KiB per connection [default: on]')
            [CompletionResult]::new('--deflate-level', '--deflate-level', [CompletionResultType]::ParameterName, 'Compression level, from 1 (fastest) to 9 [default: 2]')
            [CompletionResult]::new('--deflate-window-bits', '--deflate-window-bits', [CompletionResultType]::ParameterName, 'Compression window, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages, and requested from clients that let us choose [default: 15]')
            [CompletionResult]::new('--deflate-budget', '--deflate-budget', [CompletionResultType]::ParameterName, 'Memory that all connections together may use for `takeover`; beyond it, new connections go without [default: 64MiB]')
            [CompletionResult]::new('--deflate-min', '--deflate-min', [CompletionResultType]::ParameterName, 'Shortest message that is compressed [default: 128B]')
            [CompletionResult]::new('--max-connections', '--max-connections', [CompletionResultType]::ParameterName, 'Connections per worker; more are closed at once [default: 1000000]')
            [CompletionResult]::new('--max-connections-per-address', '--max-connections-per-address', [CompletionResultType]::ParameterName, 'Connections per address (IPv6: /64) and worker; 0 means no limit [default: 0]')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Send a Ping after this long without traffic; 0 disables [default: 30s]')
            [CompletionResult]::new('--pong-timeout', '--pong-timeout', [CompletionResultType]::ParameterName, 'Time for the Pong to arrive; 0 means no limit [default: 15s]')
            [CompletionResult]::new('--max-head', '--max-head', [CompletionResultType]::ParameterName, 'Longest head of a request [default: 32KiB]')
            [CompletionResult]::new('--max-fields', '--max-fields', [CompletionResultType]::ParameterName, 'Header fields of a request, up to 128 [default: 100]')
            [CompletionResult]::new('--max-target', '--max-target', [CompletionResultType]::ParameterName, 'Longest target of a request: path and query [default: 16KiB]')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Time that an HTTP connection may be idle between requests; should be longer than that of a proxy in front; 0 means no limit [default: 75s]')
            [CompletionResult]::new('--head-timeout', '--head-timeout', [CompletionResultType]::ParameterName, 'Time for the head of a request to arrive; 0 means no limit [default: 10s]')
            [CompletionResult]::new('--close-timeout', '--close-timeout', [CompletionResultType]::ParameterName, 'Time for the peer to answer our Close, more than 0 [default: 5s]')
            [CompletionResult]::new('--drain', '--drain', [CompletionResultType]::ParameterName, 'When the server stops, spread the ends of its connections over this long, at most 10 ms for each connection of a worker; 0 ends all at once [default: 10s]')
            [CompletionResult]::new('--stall-timeout', '--stall-timeout', [CompletionResultType]::ParameterName, 'End a blocked connection after this long without progress; 0 means no limit [default: 30s]')
            [CompletionResult]::new('--message-timeout', '--message-timeout', [CompletionResultType]::ParameterName, 'Time for a complete message to arrive; 0 means no limit [default: 5m]')
            [CompletionResult]::new('--memory', '--memory', [CompletionResultType]::ParameterName, 'Memory for incomplete messages and requests and for data queued for slow readers, of all connections; beyond it, those that hold the most are closed [default: 256MiB]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Log level for stderr: off, error, warn, info, debug or trace [default: info]')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'File with the certificate (PEM), followed by those of intermediate authorities; with it, listeners speak TLS. May be given several times, each with its --tls-key: clients get the one for the name they ask for, otherwise the first. A server reloads it when it changes [default: no TLS]')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'File with the key of the certificate (PEM, not encrypted); one for each --tls-cert, in the same order [default: none]')
            [CompletionResult]::new('--tls-self-signed', '--tls-self-signed', [CompletionResultType]::ParameterName, 'For development: speak TLS with a new certificate for localhost, this machine and the --host names of a server, which clients do not trust [default: false]')
            [CompletionResult]::new('--tls-min-version', '--tls-min-version', [CompletionResultType]::ParameterName, 'Lowest version of TLS [default: 1.2]')
            [CompletionResult]::new('--tls-client-ca', '--tls-client-ca', [CompletionResultType]::ParameterName, 'File with the authorities (PEM) that sign the certificates of clients; a server reloads it when it changes [default: clients need none]')
            [CompletionResult]::new('--tls-client-auth', '--tls-client-auth', [CompletionResultType]::ParameterName, 'Whether clients must have a certificate of --tls-client-ca [default: required]')
            [CompletionResult]::new('--trace', '--trace', [CompletionResultType]::ParameterName, 'Write all traffic of the connections, secrets included, to this file, as a capture that `wirebell inspect` and Wireshark can read [default: none]')
            [CompletionResult]::new('--trace-limit', '--trace-limit', [CompletionResultType]::ParameterName, 'Stop writing the trace at this size; 0 means no limit [default: 1GiB]')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Check the settings, print them as they would be used, and exit')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wirebell;connect' {
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this header field with the handshake; may be given several times')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header field with the handshake; may be given several times')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Offer this subprotocol; may be given several times, the preferred one first')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Send this Origin, as a page from it would')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Send `Authorization: Basic` with this user and password')
            [CompletionResult]::new('--token', '--token', [CompletionResultType]::ParameterName, 'Send `Authorization: Bearer` with this token')
            [CompletionResult]::new('--binary', '--binary', [CompletionResultType]::ParameterName, 'Send and print binary messages: `hex`, one line of hexadecimal digits each, or `raw`, bytes as they are [default: text; a binary message that arrives is printed as hex]')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Topics: begin in the past: with `all` that the server has, a time ago such as `10m`, a time such as 2026-11-28T00:20:00Z, or after a position such as q7c2m4-41 [default: `new`]')
            [CompletionResult]::new('--resume-file', '--resume-file', [CompletionResultType]::ParameterName, 'Topics: continue after the position in this file, if it exists, and keep it up to date: a message that was printed is not printed again by the next start. Wins over --since')
            [CompletionResult]::new('--ping', '--ping', [CompletionResultType]::ParameterName, 'Send a Ping after this many seconds without traffic; 0 disables')
            [CompletionResult]::new('--max-messages', '--max-messages', [CompletionResultType]::ParameterName, 'Close after N messages have arrived')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Keep receiving for this long after the end of stdin before closing')
            [CompletionResult]::new('--reconnect', '--reconnect', [CompletionResultType]::ParameterName, 'Reconnect with growing delays when the connection cannot be opened or is lost; at most N attempts in a row, 0 for no limit. Input that arrives meanwhile is sent later')
            [CompletionResult]::new('--trace', '--trace', [CompletionResultType]::ParameterName, 'Write all traffic of the connection to this file, as a capture that `wirebell inspect` and Wireshark can read')
            [CompletionResult]::new('--trace-limit', '--trace-limit', [CompletionResultType]::ParameterName, 'Stop writing the trace at this size; 0 means no limit')
            [CompletionResult]::new('--deflate', '--deflate', [CompletionResultType]::ParameterName, 'Compression to offer: `off`, `on`, or `takeover`, which keeps the window between messages')
            [CompletionResult]::new('--max-message', '--max-message', [CompletionResultType]::ParameterName, 'Longest message to receive, and longest line to send')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Use this HTTP proxy: http://[USER:PASS@]HOST[:PORT] [default: from ws_proxy, http_proxy, all_proxy and no_proxy; for wss:// from wss_proxy and https_proxy]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Timeout for the connection and the handshake; 0 means no limit')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate: a PEM file')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of that certificate: a PEM file')
            [CompletionResult]::new('--tls-server-name', '--tls-server-name', [CompletionResultType]::ParameterName, 'The name that the server must prove, instead of the host of the URL')
            [CompletionResult]::new('--json-lines', '--json-lines', [CompletionResultType]::ParameterName, 'Send and print each message as a line of JSON: a string is text, `{"base64":"..."}` is binary. This way messages may contain line breaks')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Topics: print each message with its topic, position and time, as a line of JSON')
            [CompletionResult]::new('--no-follow', '--no-follow', [CompletionResultType]::ParameterName, 'Topics: do not follow them, but send lines and print what arrives as on any other path')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Do not read stdin; only receive, until the server closes or a signal arrives')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Do not read stdin; only receive, until the server closes or a signal arrives')
            [CompletionResult]::new('--show-frames', '--show-frames', [CompletionResultType]::ParameterName, 'Print every frame, both ways, on stderr')
            [CompletionResult]::new('--no-proxy', '--no-proxy', [CompletionResultType]::ParameterName, 'Use no proxy, whatever the environment says')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Trust every server: any machine in between can read and change everything')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Trust every server: any machine in between can read and change everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wirebell;push' {
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The push server: http://HOST[:PORT], or https://...')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'The topic to publish to, such as orders.eu')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'The user to push to, at /push')
            [CompletionResult]::new('--event', '--event', [CompletionResultType]::ParameterName, 'The event to push, at /push')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Publish the content of this file as it is; `-` is stdin. With --lines or --batch, read those from it')
            [CompletionResult]::new('--content-type', '--content-type', [CompletionResultType]::ParameterName, 'The media type [default: text/plain; charset=utf-8]. One that is not text, such as application/octet-stream, makes the message binary')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'Do not replay the message to those who subscribe later than this: 10m, or a number of seconds; 0 for those alone who listen now')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The Idempotency-Key: within five minutes, a message is published once under the same key')
            [CompletionResult]::new('--wait-for-subscribers', '--wait-for-subscribers', [CompletionResultType]::ParameterName, 'Publish only once the topic has a subscriber: asks the server until it has one, at most for TIME, or without limit if none is given. Needs the right to subscribe to it')
            [CompletionResult]::new('--receipt', '--receipt', [CompletionResultType]::ParameterName, 'Ask for receipts, for at most TIME: the answer, which is printed, says how many connections have read the message')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Send `Authorization: Basic` with this user and password')
            [CompletionResult]::new('--token', '--token', [CompletionResultType]::ParameterName, 'Send `Authorization: Bearer` with this token')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'File with the key that the server requires at /push, or with a token; the key may also be in the environment variable WIREBELL_PUSH_KEY')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'Attempts per message or batch, with growing delays between them')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Timeout of one attempt; 0 means no limit')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file')
            [CompletionResult]::new('--tls-server-name', '--tls-server-name', [CompletionResultType]::ParameterName, 'The name that the server must prove, instead of the host of the URL')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate: a PEM file; --key is that of a message')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Push each line as a separate message, as it arrives; empty lines are skipped')
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Publish many messages a request, as they arrive: one JSON object a line, such as `{"topic":"orders.eu","data":"shipped"}`, with "base64" instead of "data" for binary messages, and optionally "ttl" and "key"; "topic" may be a list')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print the answer of the server to each message: how many connections it reached')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print the answer of the server to each message: how many connections it reached')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Trust every server: any machine in between can read and change everything')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Trust every server: any machine in between can read and change everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wirebell;token' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('new', 'new', [CompletionResultType]::ParameterValue, 'Create a token, print it once, and add it to the file, which is created if missing')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the tokens: their names and rights, and the first digits of their digests')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Remove tokens: connections that use them end within a second')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wirebell;token;new' {
            [CompletionResult]::new('--tokens', '--tokens', [CompletionResultType]::ParameterName, 'The file of tokens')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Whose token it is; several tokens may have one name')
            [CompletionResult]::new('--publish', '--publish', [CompletionResultType]::ParameterName, 'Topics that it may publish to: names, or patterns such as orders.*.eu or orders.**; may be given several times')
            [CompletionResult]::new('--subscribe', '--subscribe', [CompletionResultType]::ParameterName, 'Topics that it may subscribe to')
            [CompletionResult]::new('--expires', '--expires', [CompletionResultType]::ParameterName, 'When it ends: a time from now such as 30d or 12h, or a time in the form of RFC 3339 [default: never]')
            [CompletionResult]::new('--admin', '--admin', [CompletionResultType]::ParameterName, 'Let it read the server''s own topics, such as $stats')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wirebell;token;list' {
            [CompletionResult]::new('--tokens', '--tokens', [CompletionResultType]::ParameterName, 'The file of tokens')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wirebell;token;revoke' {
            [CompletionResult]::new('--tokens', '--tokens', [CompletionResultType]::ParameterName, 'The file of tokens')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'All tokens of this name')
            [CompletionResult]::new('--subject', '--subject', [CompletionResultType]::ParameterName, 'All JWTs of this subject, those that are still to be issued as well')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wirebell;token;help' {
            [CompletionResult]::new('new', 'new', [CompletionResultType]::ParameterValue, 'Create a token, print it once, and add it to the file, which is created if missing')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the tokens: their names and rights, and the first digits of their digests')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Remove tokens: connections that use them end within a second')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wirebell;token;help;new' {
            break
        }
        'wirebell;token;help;list' {
            break
        }
        'wirebell;token;help;revoke' {
            break
        }
        'wirebell;token;help;help' {
            break
        }
        'wirebell;data' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Compare every page with its checksum, read every message, and say what there is')
            [CompletionResult]::new('compact', 'compact', [CompletionResultType]::ParameterValue, 'Give the space of removed messages back to the disk')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Print every message as a line of JSON, oldest first')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wirebell;data;check' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wirebell;data;compact' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wirebell;data;export' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wirebell;data;help' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Compare every page with its checksum, read every message, and say what there is')
            [CompletionResult]::new('compact', 'compact', [CompletionResultType]::ParameterValue, 'Give the space of removed messages back to the disk')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Print every message as a line of JSON, oldest first')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wirebell;data;help;check' {
            break
        }
        'wirebell;data;help;compact' {
            break
        }
        'wirebell;data;help;export' {
            break
        }
        'wirebell;data;help;help' {
            break
        }
        'wirebell;certificate' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write cert.pem and key.pem into this directory, which is created if missing')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write cert.pem and key.pem into this directory, which is created if missing')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wirebell;verify' {
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this header field with each handshake; may be given several times')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header field with each handshake; may be given several times')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Offer this subprotocol with each handshake; may be given several times, the preferred one first')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Send `Authorization: Basic` with this user and password')
            [CompletionResult]::new('--token', '--token', [CompletionResultType]::ParameterName, 'Send `Authorization: Bearer` with this token')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Test a client instead: listen here for it; port 0 picks a free port')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'How long to wait for the client''s next connection [default: forever for the first one, then 30s]')
            [CompletionResult]::new('--case', '--case', [CompletionResultType]::ParameterName, 'Run only cases that match this name, where * matches anything; may be given several times')
            [CompletionResult]::new('--skip', '--skip', [CompletionResultType]::ParameterName, 'Skip cases that match this name; may be given several times')
            [CompletionResult]::new('--level', '--level', [CompletionResultType]::ParameterName, 'Run only cases of this level or stricter')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'The lowest level at which a failure counts for the exit status')
            [CompletionResult]::new('--replay', '--replay', [CompletionResultType]::ParameterName, 'Send the streams in this file once, as --random prints them')
            [CompletionResult]::new('--seconds', '--seconds', [CompletionResultType]::ParameterName, 'How long to send random streams; a client of --listen is asked for 200 each second')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Where the random streams begin: the same seed gives the same streams [default: by chance]')
            [CompletionResult]::new('--max-deviations', '--max-deviations', [CompletionResultType]::ParameterName, 'End as soon as random streams show N different deviations')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Format of the report')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Cases to run concurrently; with --listen, the client decides')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Cases to run concurrently; with --listen, the client decides')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for an answer')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'File with the certificate (PEM), followed by those of intermediate authorities; with it, listeners speak TLS. May be given several times, each with its --tls-key: clients get the one for the name they ask for, otherwise the first. A server reloads it when it changes [default: no TLS]')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'File with the key of the certificate (PEM, not encrypted); one for each --tls-cert, in the same order [default: none]')
            [CompletionResult]::new('--tls-self-signed', '--tls-self-signed', [CompletionResultType]::ParameterName, 'For development: speak TLS with a new certificate for localhost, this machine and the --host names of a server, which clients do not trust [default: false]')
            [CompletionResult]::new('--tls-min-version', '--tls-min-version', [CompletionResultType]::ParameterName, 'Lowest version of TLS [default: 1.2]')
            [CompletionResult]::new('--tls-client-ca', '--tls-client-ca', [CompletionResultType]::ParameterName, 'File with the authorities (PEM) that sign the certificates of clients; a server reloads it when it changes [default: clients need none]')
            [CompletionResult]::new('--tls-client-auth', '--tls-client-auth', [CompletionResultType]::ParameterName, 'Whether clients must have a certificate of --tls-client-ca [default: required]')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate: a PEM file')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of that certificate: a PEM file')
            [CompletionResult]::new('--tls-server-name', '--tls-server-name', [CompletionResultType]::ParameterName, 'The name that the server must prove, instead of the host of the URL')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Run the cases even if the server opens no WebSocket or does not echo')
            [CompletionResult]::new('--random', '--random', [CompletionResultType]::ParameterName, 'Send random streams of valid and broken frames instead of the cases, and compare the answers with what the RFCs allow')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'List the cases without running them; with --listen, those for clients')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show every case and the bytes exchanged, not only failures')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show every case and the bytes exchanged, not only failures')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Trust every server: any machine in between can read and change everything')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Trust every server: any machine in between can read and change everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Put reports in JSON side by side on one page of HTML')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wirebell;verify;report' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the page to this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the page to this file')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wirebell;verify;help' {
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Put reports in JSON side by side on one page of HTML')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wirebell;verify;help;report' {
            break
        }
        'wirebell;verify;help;help' {
            break
        }
        'wirebell;doctor' {
            [CompletionResult]::new('--minutes', '--minutes', [CompletionResultType]::ParameterName, 'Also leave a WebSocket silent for this many minutes, such as 5 or 0.5, to find the idle timeout of the path')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'The topic to subscribe to, and to publish one message to that is not kept [default: a new one, doctor.RANDOM]')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'A page whose scripts use the server, such as https://app.example.org: checks that browsers would let them. May be repeated')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Send `Authorization: Basic` with this user and password')
            [CompletionResult]::new('--token', '--token', [CompletionResultType]::ParameterName, 'Send `Authorization: Bearer` with this token')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long a connection, a response or a message may take; 0 means no limit')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The report: text for people, or one object of JSON')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate: a PEM file')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of that certificate: a PEM file')
            [CompletionResult]::new('--tls-server-name', '--tls-server-name', [CompletionResultType]::ParameterName, 'The name that the server must prove, instead of the host of the URL')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Exit with 1 for warnings too')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Trust every server: any machine in between can read and change everything')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Trust every server: any machine in between can read and change everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wirebell;inspect' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'Form of the input [default: detected]')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Who sent the bytes, for hex and raw [default: detected from the first frame or head]')
            [CompletionResult]::new('--deflate', '--deflate', [CompletionResultType]::ParameterName, 'The negotiated compression, as in the server''s response, when the input has no handshake: ''permessage-deflate; server_no_context_takeover''')
            [CompletionResult]::new('--show-bytes', '--show-bytes', [CompletionResultType]::ParameterName, 'Show at most N bytes of each payload in text and HTML; JSON has them all')
            [CompletionResult]::new('--max-items', '--max-items', [CompletionResultType]::ParameterName, 'Explain at most N heads and frames of each side; the rest are counted and checked, and up to N more with a violation are explained')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wirebell;bench' {
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'What to measure')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'What to measure')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Connections; `handshake`: at most N open at a time')
            [CompletionResult]::new('--connections', '--connections', [CompletionResultType]::ParameterName, 'Connections; `handshake`: at most N open at a time')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Payload of a message [default: 32B; `fan-out`: 128B]')
            [CompletionResult]::new('--size', '--size', [CompletionResultType]::ParameterName, 'Payload of a message [default: 32B; `fan-out`: 128B]')
            [CompletionResult]::new('--depth', '--depth', [CompletionResultType]::ParameterName, 'Messages in flight on each connection [default: 1; with --rate up to 256 KiB of them]')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Messages (or handshakes, or publications) per second over all connections [default: a closed loop]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Messages (or handshakes, or publications) per second over all connections [default: a closed loop]')
            [CompletionResult]::new('--warm-up', '--warm-up', [CompletionResultType]::ParameterName, 'Warm-up under load before the measurement')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Duration of the measurement')
            [CompletionResult]::new('--duration', '--duration', [CompletionResultType]::ParameterName, 'Duration of the measurement')
            [CompletionResult]::new('--deflate', '--deflate', [CompletionResultType]::ParameterName, 'Compression to offer: `off`, `on`, or `takeover`, which keeps the window between messages')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Event loops, one thread each')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Event loops, one thread each')
            [CompletionResult]::new('--ramp', '--ramp', [CompletionResultType]::ParameterName, 'Connections to open per second [default: sequentially, without a pause]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this header field with each handshake, and with each publication over HTTP; may be given several times')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header field with each handshake, and with each publication over HTTP; may be given several times')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Offer this subprotocol; may be given several times, the preferred one first')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Send `Authorization: Basic` with this user and password')
            [CompletionResult]::new('--token', '--token', [CompletionResultType]::ParameterName, 'Send `Authorization: Bearer` with this token')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Process ID of the server on this machine: measure its CPU time, or with `idle` its memory')
            [CompletionResult]::new('--pid', '--pid', [CompletionResultType]::ParameterName, 'Process ID of the server on this machine: measure its CPU time, or with `idle` its memory')
            [CompletionResult]::new('--ping', '--ping', [CompletionResultType]::ParameterName, '`idle`: send a Ping after this long without traffic; 0 disables')
            [CompletionResult]::new('--publishers', '--publishers', [CompletionResultType]::ParameterName, '`fan-out`: publishers, one thread each')
            [CompletionResult]::new('--subscribe', '--subscribe', [CompletionResultType]::ParameterName, '`fan-out`: what a subscriber sends first; empty for nothing')
            [CompletionResult]::new('--publish-url', '--publish-url', [CompletionResultType]::ParameterName, '`fan-out`: where to publish: http(s)://... for a POST, ws(s)://... for a message [default: /push of the same server]')
            [CompletionResult]::new('--publish', '--publish', [CompletionResultType]::ParameterName, '`fan-out`: what to publish, where {message} is replaced by the message')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, '`fan-out`: subscribe to this topic at /topics/TOPIC, and publish to it over HTTP, on one connection per publisher that stays open')
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, '`fan-out` with --topic: publish N messages in one request')
            [CompletionResult]::new('--pipeline', '--pipeline', [CompletionResultType]::ParameterName, '`fan-out` with --topic: send N requests before the first is answered')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Timeout for a connection and its handshake, and for answers still missing at the end')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Format of the report')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file')
            [CompletionResult]::new('--plot', '--plot', [CompletionResultType]::ParameterName, 'Plot the latencies by percentile into this SVG file')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file')
            [CompletionResult]::new('--client-key', '--client-key', [CompletionResultType]::ParameterName, 'The key of that certificate: a PEM file')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of that certificate: a PEM file')
            [CompletionResult]::new('--tls-server-name', '--tls-server-name', [CompletionResultType]::ParameterName, 'The name that the server must prove, instead of the host of the URL')
            [CompletionResult]::new('--text', '--text', [CompletionResultType]::ParameterName, 'Send text instead of binary messages')
            [CompletionResult]::new('--touch', '--touch', [CompletionResultType]::ParameterName, '`idle`: first echo one message on each connection')
            [CompletionResult]::new('--envelopes', '--envelopes', [CompletionResultType]::ParameterName, '`fan-out` with --topic: subscribe with wirebell.v1, not to bare payloads')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Trust every server: any machine in between can read and change everything')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Trust every server: any machine in between can read and change everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wirebell;completions' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wirebell;man' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write all pages into this directory, which is created if missing')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write all pages into this directory, which is created if missing')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wirebell;help' {
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run the push server')
            [CompletionResult]::new('echo', 'echo', [CompletionResultType]::ParameterValue, 'Echo every message on every path, for conformance and load tools')
            [CompletionResult]::new('connect', 'connect', [CompletionResultType]::ParameterValue, 'Connect to a server: send lines, print messages')
            [CompletionResult]::new('push', 'push', [CompletionResultType]::ParameterValue, 'Publish to a push server')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Create, list and revoke the tokens of a push server')
            [CompletionResult]::new('data', 'data', [CompletionResultType]::ParameterValue, 'Check, shrink and export the data file of a push server')
            [CompletionResult]::new('certificate', 'certificate', [CompletionResultType]::ParameterValue, 'Make a self-signed certificate for development')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Test whether an echo server or a client conforms to the RFCs')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check a deployment from outside, and say what to change')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Explain captured frames byte by byte')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Load a server and measure it')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a shell completion script')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page, or write all of them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wirebell;help;serve' {
            break
        }
        'wirebell;help;echo' {
            break
        }
        'wirebell;help;connect' {
            break
        }
        'wirebell;help;push' {
            break
        }
        'wirebell;help;token' {
            [CompletionResult]::new('new', 'new', [CompletionResultType]::ParameterValue, 'Create a token, print it once, and add it to the file, which is created if missing')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the tokens: their names and rights, and the first digits of their digests')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Remove tokens: connections that use them end within a second')
            break
        }
        'wirebell;help;token;new' {
            break
        }
        'wirebell;help;token;list' {
            break
        }
        'wirebell;help;token;revoke' {
            break
        }
        'wirebell;help;data' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Compare every page with its checksum, read every message, and say what there is')
            [CompletionResult]::new('compact', 'compact', [CompletionResultType]::ParameterValue, 'Give the space of removed messages back to the disk')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Print every message as a line of JSON, oldest first')
            break
        }
        'wirebell;help;data;check' {
            break
        }
        'wirebell;help;data;compact' {
            break
        }
        'wirebell;help;data;export' {
            break
        }
        'wirebell;help;certificate' {
            break
        }
        'wirebell;help;verify' {
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Put reports in JSON side by side on one page of HTML')
            break
        }
        'wirebell;help;verify;report' {
            break
        }
        'wirebell;help;doctor' {
            break
        }
        'wirebell;help;inspect' {
            break
        }
        'wirebell;help;bench' {
            break
        }
        'wirebell;help;completions' {
            break
        }
        'wirebell;help;man' {
            break
        }
        'wirebell;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
