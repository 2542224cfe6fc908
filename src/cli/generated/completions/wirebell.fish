# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_wirebell_global_optspecs
    string join \n h/help V/version
end

function __fish_wirebell_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_wirebell_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_wirebell_using_subcommand
    set -l cmd (__fish_wirebell_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c wirebell -n "__fish_wirebell_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_needs_command" -s V -l version -d 'Print version'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "serve" -d 'Run the push server'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "echo" -d 'Echo every message on every path, for conformance and load tools'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "connect" -d 'Connect to a server: send lines, print messages'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "push" -d 'Publish to a push server'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "token" -d 'Create, list and revoke the tokens of a push server'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "data" -d 'Check, shrink and export the data file of a push server'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "certificate" -d 'Make a self-signed certificate for development'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "verify" -d 'Test whether an echo server or a client conforms to the RFCs'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "doctor" -d 'Check a deployment from outside, and say what to change'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "inspect" -d 'Explain captured frames byte by byte'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "bench" -d 'Load a server and measure it'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "completions" -d 'Print a shell completion script'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "man" -d 'Print a manual page, or write all of them'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l config -d 'Read settings from this TOML file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l take-over -d 'Take over listeners, topics and connections from the server with this --upgrade-socket; its clients do not notice. If that fails, it goes on, and this one ends' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l tokens -d 'File of tokens (TOML), each with the topics that it may publish and subscribe to, as `wirebell token` writes it; reloaded when it changes [default: no tokens are needed]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l jwt-key-file -d 'File with the key of JWTs (HS256, at least 32 bytes), which are accepted besides the tokens of --tokens; reloaded when it changes [default: none are accepted]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l data -d 'Keep messages and state in this file: a publication is answered and delivered once it is on the disk. It is created if it does not exist [default: everything is in memory]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l data-size -d 'Bytes of messages that the file keeps; beyond it the oldest go [default: 4GiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l engine -d 'Share messages with other servers through Redis 7 or Valkey, such as redis://:PASSWORD@HOST:6379/0?prefix=w (rediss:// for TLS). Others can see the arguments of a command: a password is better in the variable or in the settings file [default: none are shared]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l upgrade-socket -d 'Unix socket at which another process of the same user may take over, with `--take-over`; SIGUSR2 then starts one, with the same arguments [default: none, or that of --take-over]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l gotify -d 'Serve clients of gotify 2.x. The password of the first user is printed once. Without --data, users, applications and messages are in memory [default: only with --data]' -r -f -a "true\t''
false\t''"
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l open -d 'Listen beyond this machine without tokens: anyone who can reach the server may then publish and subscribe to everything [default: false]' -r -f -a "true\t''
false\t''"
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l push-key-file -d 'For /push and /drop: file with the key that publishers must send as `Authorization: Bearer KEY`; the key may also be in the environment variable WIREBELL_PUSH_KEY [default: anyone may publish]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l token-file -d 'For /ws: file with lines of `TOKEN USER`; reloaded when it changes [default: a token is the name of its user]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l trusted-proxy -d 'Reverse proxy that is believed when it says in X-Forwarded-For or Forwarded whose request it passes on: an address, a network such as 10.0.0.0/8, or `unix` for unix sockets; may be given several times [default: none]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l connection-rate -d 'Connections that one address (IPv6: /64) may open, such as 100/s:500. Those beyond it are closed before anything is read; a --trusted-proxy may open any number [default: no limit]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l handshake-rate -d 'WebSockets and streams that one address (IPv6: /64), and one token, may open: such as 10/s, 600/m, or 10/s:50 with 50 at once. Those beyond it get 429. Set --trusted-proxy behind a proxy; loopback addresses count too [default: no limit]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l publish-rate -d 'Messages that one address, and one token, may publish, each line of a batch counted [default: no limit]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l connections-per-token -d 'WebSockets and streams that the tokens of one name, or one user of /ws, may have open at the same time; 0 means no limit [default: 0]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-body -d 'Longest body of an HTTP request [default: 1MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l register-timeout -d 'Time within which a connection to /ws must register; 0 means no limit [default: 30s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l echo -d 'Serve /echo, a WebSocket that echoes, even with keys or tokens; `--echo=false` turns it off [default: only without keys and tokens]' -r -f -a "true\t''
false\t''"
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -s l -l listen -d 'Where to listen: ADDR:PORT, unix:PATH, or fd:N for a socket that systemd passes (LISTEN_FDS; without this setting, all of them are used); may be given several times. With a certificate (--tls-cert) it speaks TLS there; http:ADDR:PORT stays unencrypted, and redirect:ADDR:PORT leads to https, at the port where TLS is spoken on that address, or at another one: redirect:ADDR:PORT=443 [default: 127.0.0.1:8080]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -s w -l workers -d 'Worker threads; 0 means one per core [default: 0]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l host -d 'Host name that requests may use for this server, without a port; may be given several times. A server on a loopback address always accepts `localhost` and loopback addresses [default: any name, unless on loopback]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l origin -d 'Origins of web pages that may connect, besides those of the same host: exact ones such as https://example.org, all subdomains as in https://*.example.org, `null`, `file://`, or `any`; may be given several times [default: same-host]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-message -d 'Longest message, all fragments together; a longer one closes the connection with 1009 [default: 16MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-queued -d 'Bytes that may be queued for one slow connection [default: 1MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l overflow -d 'What to do when more is queued for a connection [default: disconnect]' -r -f -a "disconnect\t'Close it with code 1013'
drop-oldest\t'Drop the oldest queued messages'
keep-latest\t'Drop older queued messages of the same topic'"
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l deflate -d 'Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`, which keeps the window between messages: smaller, but up to 320 KiB per connection [default: on]' -r -f -a "off\t'No compression'
on\t'Each message independently: no memory for idle connections'
takeover\t'Keep the window between messages, both ways'"
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l deflate-level -d 'Compression level, from 1 (fastest) to 9 [default: 2]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l deflate-window-bits -d 'Compression window, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages, and requested from clients that let us choose [default: 15]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l deflate-budget -d 'Memory that all connections together may use for `takeover`; beyond it, new connections go without [default: 64MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l deflate-min -d 'Shortest message that is compressed [default: 128B]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-connections -d 'Connections per worker; more are closed at once [default: 1000000]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-connections-per-address -d 'Connections per address (IPv6: /64) and worker; 0 means no limit [default: 0]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l ping-interval -d 'Send a Ping after this long without traffic; 0 disables [default: 30s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l pong-timeout -d 'Time for the Pong to arrive; 0 means no limit [default: 15s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-head -d 'Longest head of a request [default: 32KiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-fields -d 'Header fields of a request, up to 128 [default: 100]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-target -d 'Longest target of a request: path and query [default: 16KiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l idle-timeout -d 'Time that an HTTP connection may be idle between requests; should be longer than that of a proxy in front; 0 means no limit [default: 75s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l head-timeout -d 'Time for the head of a request to arrive; 0 means no limit [default: 10s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l close-timeout -d 'Time for the peer to answer our Close, more than 0 [default: 5s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l drain -d 'When the server stops, spread the ends of its connections over this long, at most 10 ms for each connection of a worker; 0 ends all at once [default: 10s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l stall-timeout -d 'End a blocked connection after this long without progress; 0 means no limit [default: 30s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l message-timeout -d 'Time for a complete message to arrive; 0 means no limit [default: 5m]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l memory -d 'Memory for incomplete messages and requests and for data queued for slow readers, of all connections; beyond it, those that hold the most are closed [default: 256MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l log -d 'Log level for stderr: off, error, warn, info, debug or trace [default: info]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l tls-cert -d 'File with the certificate (PEM), followed by those of intermediate authorities; with it, listeners speak TLS. May be given several times, each with its --tls-key: clients get the one for the name they ask for, otherwise the first. A server reloads it when it changes [default: no TLS]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l tls-key -d 'File with the key of the certificate (PEM, not encrypted); one for each --tls-cert, in the same order [default: none]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l tls-self-signed -d 'For development: speak TLS with a new certificate for localhost, this machine and the --host names of a server, which clients do not trust [default: false]' -r -f -a "true\t''
false\t''"
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l tls-min-version -d 'Lowest version of TLS [default: 1.2]' -r -f -a "1.2\t'TLS 1.2 and 1.3'
1.3\t'TLS 1.3 alone'"
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l tls-client-ca -d 'File with the authorities (PEM) that sign the certificates of clients; a server reloads it when it changes [default: clients need none]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l tls-client-auth -d 'Whether clients must have a certificate of --tls-client-ca [default: required]' -r -f -a "required\t'A client without one is refused'
optional\t'A client may have none'"
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l access-log -d 'Write a line for each request to this file, or to stdout with `-`, without tokens; SIGHUP opens the file again [default: none]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l access-log-format -d 'The form of these lines [default: combined]' -r -f -a "combined\t'As Apache and nginx write it, with the seconds until the answer at the end'
json\t'One JSON object'"
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l trace -d 'Write all traffic of the connections, secrets included, to this file, as a capture that `wirebell inspect` and Wireshark can read [default: none]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l trace-limit -d 'Stop writing the trace at this size; 0 means no limit [default: 1GiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l check -d 'Check the settings, print them as they would be used, and exit'
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l config -d 'Read settings from this TOML file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l subprotocol -d 'Subprotocol to confirm to clients that offer it; may be given several times, then the client\'s order decides [default: whichever the client offers first]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -s l -l listen -d 'Where to listen: ADDR:PORT, unix:PATH, or fd:N for a socket that systemd passes (LISTEN_FDS; without this setting, all of them are used); may be given several times. With a certificate (--tls-cert) it speaks TLS there; http:ADDR:PORT stays unencrypted, and redirect:ADDR:PORT leads to https, at the port where TLS is spoken on that address, or at another one: redirect:ADDR:PORT=443 [default: 127.0.0.1:8080]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -s w -l workers -d 'Worker threads; 0 means one per core [default: 0]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l host -d 'Host name that requests may use for this server, without a port; may be given several times. A server on a loopback address always accepts `localhost` and loopback addresses [default: any name, unless on loopback]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l origin -d 'Origins of web pages that may connect, besides those of the same host: exact ones such as https://example.org, all subdomains as in https://*.example.org, `null`, `file://`, or `any`; may be given several times [default: same-host]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-message -d 'Longest message, all fragments together; a longer one closes the connection with 1009 [default: 16MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-queued -d 'Bytes that may be queued for one slow connection [default: 1MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l overflow -d 'What to do when more is queued for a connection [default: disconnect]' -r -f -a "disconnect\t'Close it with code 1013'
drop-oldest\t'Drop the oldest queued messages'
keep-latest\t'Drop older queued messages of the same topic'"
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l deflate -d 'Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`, which keeps the window between messages: smaller, but up to 320 KiB per connection [default: on]' -r -f -a "off\t'No compression'
on\t'Each message independently: no memory for idle connections'
takeover\t'Keep the window between messages, both ways'"
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l deflate-level -d 'Compression level, from 1 (fastest) to 9 [default: 2]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l deflate-window-bits -d 'Compression window, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages, and requested from clients that let us choose [default: 15]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l deflate-budget -d 'Memory that all connections together may use for `takeover`; beyond it, new connections go without [default: 64MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l deflate-min -d 'Shortest message that is compressed [default: 128B]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-connections -d 'Connections per worker; more are closed at once [default: 1000000]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-connections-per-address -d 'Connections per address (IPv6: /64) and worker; 0 means no limit [default: 0]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l ping-interval -d 'Send a Ping after this long without traffic; 0 disables [default: 30s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l pong-timeout -d 'Time for the Pong to arrive; 0 means no limit [default: 15s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-head -d 'Longest head of a request [default: 32KiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-fields -d 'Header fields of a request, up to 128 [default: 100]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-target -d 'Longest target of a request: path and query [default: 16KiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l idle-timeout -d 'Time that an HTTP connection may be idle between requests; should be longer than that of a proxy in front; 0 means no limit [default: 75s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l head-timeout -d 'Time for the head of a request to arrive; 0 means no limit [default: 10s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l close-timeout -d 'Time for the peer to answer our Close, more than 0 [default: 5s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l drain -d 'When the server stops, spread the ends of its connections over this long, at most 10 ms for each connection of a worker; 0 ends all at once [default: 10s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l stall-timeout -d 'End a blocked connection after this long without progress; 0 means no limit [default: 30s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l message-timeout -d 'Time for a complete message to arrive; 0 means no limit [default: 5m]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l memory -d 'Memory for incomplete messages and requests and for data queued for slow readers, of all connections; beyond it, those that hold the most are closed [default: 256MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l log -d 'Log level for stderr: off, error, warn, info, debug or trace [default: info]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l tls-cert -d 'File with the certificate (PEM), followed by those of intermediate authorities; with it, listeners speak TLS. May be given several times, each with its --tls-key: clients get the one for the name they ask for, otherwise the first. A server reloads it when it changes [default: no TLS]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l tls-key -d 'File with the key of the certificate (PEM, not encrypted); one for each --tls-cert, in the same order [default: none]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l tls-self-signed -d 'For development: speak TLS with a new certificate for localhost, this machine and the --host names of a server, which clients do not trust [default: false]' -r -f -a "true\t''
false\t''"
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l tls-min-version -d 'Lowest version of TLS [default: 1.2]' -r -f -a "1.2\t'TLS 1.2 and 1.3'
1.3\t'TLS 1.3 alone'"
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l tls-client-ca -d 'File with the authorities (PEM) that sign the certificates of clients; a server reloads it when it changes [default: clients need none]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l tls-client-auth -d 'Whether clients must have a certificate of --tls-client-ca [default: required]' -r -f -a "required\t'A client without one is refused'
optional\t'A client may have none'"
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l trace -d 'Write all traffic of the connections, secrets included, to this file, as a capture that `wirebell inspect` and Wireshark can read [default: none]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l trace-limit -d 'Stop writing the trace at this size; 0 means no limit [default: 1GiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l check -d 'Check the settings, print them as they would be used, and exit'
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -s H -l header -d 'Send this header field with the handshake; may be given several times' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l subprotocol -d 'Offer this subprotocol; may be given several times, the preferred one first' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l origin -d 'Send this Origin, as a page from it would' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l auth -d 'Send `Authorization: Basic` with this user and password' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l token -d 'Send `Authorization: Bearer` with this token' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l binary -d 'Send and print binary messages: `hex`, one line of hexadecimal digits each, or `raw`, bytes as they are [default: text; a binary message that arrives is printed as hex]' -r -f -a "hex\t'Hexadecimal digits, one message per line'
raw\t'Bytes as they are'"
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l since -d 'Topics: begin in the past: with `all` that the server has, a time ago such as `10m`, a time such as 2026-11-28T00:20:00Z, or after a position such as q7c2m4-41 [default: `new`]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l resume-file -d 'Topics: continue after the position in this file, if it exists, and keep it up to date: a message that was printed is not printed again by the next start. Wins over --since' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l ping -d 'Send a Ping after this many seconds without traffic; 0 disables' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l max-messages -d 'Close after N messages have arrived' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l wait -d 'Keep receiving for this long after the end of stdin before closing' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l reconnect -d 'Reconnect with growing delays when the connection cannot be opened or is lost; at most N attempts in a row, 0 for no limit. Input that arrives meanwhile is sent later' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l trace -d 'Write all traffic of the connection to this file, as a capture that `wirebell inspect` and Wireshark can read' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l trace-limit -d 'Stop writing the trace at this size; 0 means no limit' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l deflate -d 'Compression to offer: `off`, `on`, or `takeover`, which keeps the window between messages' -r -f -a "off\t'No compression'
on\t'Each message independently: no memory for idle connections'
takeover\t'Keep the window between messages, both ways'"
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l max-message -d 'Longest message to receive, and longest line to send' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l proxy -d 'Use this HTTP proxy: http://[USER:PASS@]HOST[:PORT] [default: from ws_proxy, http_proxy, all_proxy and no_proxy; for wss:// from wss_proxy and https_proxy]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l timeout -d 'Timeout for the connection and the handshake; 0 means no limit' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l ca-file -d 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l client-cert -l cert -d 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l client-key -l key -d 'The key of that certificate: a PEM file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l tls-server-name -d 'The name that the server must prove, instead of the host of the URL' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l json-lines -d 'Send and print each message as a line of JSON: a string is text, `{"base64":"..."}` is binary. This way messages may contain line breaks'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l json -d 'Topics: print each message with its topic, position and time, as a line of JSON'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l no-follow -d 'Topics: do not follow them, but send lines and print what arrives as on any other path'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -s n -l no-input -d 'Do not read stdin; only receive, until the server closes or a signal arrives'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l show-frames -d 'Print every frame, both ways, on stderr'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l no-proxy -d 'Use no proxy, whatever the environment says'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -s k -l insecure -d 'Trust every server: any machine in between can read and change everything'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l server -d 'The push server: http://HOST[:PORT], or https://...' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l topic -d 'The topic to publish to, such as orders.eu' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l user -d 'The user to push to, at /push' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l event -d 'The event to push, at /push' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l file -d 'Publish the content of this file as it is; `-` is stdin. With --lines or --batch, read those from it' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l content-type -d 'The media type [default: text/plain; charset=utf-8]. One that is not text, such as application/octet-stream, makes the message binary' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l ttl -d 'Do not replay the message to those who subscribe later than this: 10m, or a number of seconds; 0 for those alone who listen now' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l key -d 'The Idempotency-Key: within five minutes, a message is published once under the same key' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l wait-for-subscribers -d 'Publish only once the topic has a subscriber: asks the server until it has one, at most for TIME, or without limit if none is given. Needs the right to subscribe to it' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l receipt -d 'Ask for receipts, for at most TIME: the answer, which is printed, says how many connections have read the message' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l auth -d 'Send `Authorization: Basic` with this user and password' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l token -d 'Send `Authorization: Bearer` with this token' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l key-file -d 'File with the key that the server requires at /push, or with a token; the key may also be in the environment variable WIREBELL_PUSH_KEY' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l attempts -d 'Attempts per message or batch, with growing delays between them' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l timeout -d 'Timeout of one attempt; 0 means no limit' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l ca-file -d 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l client-cert -d 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l tls-server-name -d 'The name that the server must prove, instead of the host of the URL' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l client-key -d 'The key of that certificate: a PEM file; --key is that of a message' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l lines -d 'Push each line as a separate message, as it arrives; empty lines are skipped'
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l batch -d 'Publish many messages a request, as they arrive: one JSON object a line, such as `{"topic":"orders.eu","data":"shipped"}`, with "base64" instead of "data" for binary messages, and optionally "ttl" and "key"; "topic" may be a list'
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -s v -l verbose -d 'Print the answer of the server to each message: how many connections it reached'
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -s k -l insecure -d 'Trust every server: any machine in between can read and change everything'
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and not __fish_seen_subcommand_from new list revoke help" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and not __fish_seen_subcommand_from new list revoke help" -f -a "new" -d 'Create a token, print it once, and add it to the file, which is created if missing'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and not __fish_seen_subcommand_from new list revoke help" -f -a "list" -d 'List the tokens: their names and rights, and the first digits of their digests'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and not __fish_seen_subcommand_from new list revoke help" -f -a "revoke" -d 'Remove tokens: connections that use them end within a second'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and not __fish_seen_subcommand_from new list revoke help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from new" -l tokens -d 'The file of tokens' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from new" -l name -d 'Whose token it is; several tokens may have one name' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from new" -l publish -d 'Topics that it may publish to: names, or patterns such as orders.*.eu or orders.**; may be given several times' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from new" -l subscribe -d 'Topics that it may subscribe to' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from new" -l expires -d 'When it ends: a time from now such as 30d or 12h, or a time in the form of RFC 3339 [default: never]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from new" -l admin -d 'Let it read the server\'s own topics, such as $stats'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from new" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from list" -l tokens -d 'The file of tokens' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from revoke" -l tokens -d 'The file of tokens' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from revoke" -l name -d 'All tokens of this name' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from revoke" -l subject -d 'All JWTs of this subject, those that are still to be issued as well' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "new" -d 'Create a token, print it once, and add it to the file, which is created if missing'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the tokens: their names and rights, and the first digits of their digests'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'Remove tokens: connections that use them end within a second'
complete -c wirebell -n "__fish_wirebell_using_subcommand token; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wirebell -n "__fish_wirebell_using_subcommand data; and not __fish_seen_subcommand_from check compact export help" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand data; and not __fish_seen_subcommand_from check compact export help" -f -a "check" -d 'Compare every page with its checksum, read every message, and say what there is'
complete -c wirebell -n "__fish_wirebell_using_subcommand data; and not __fish_seen_subcommand_from check compact export help" -f -a "compact" -d 'Give the space of removed messages back to the disk'
complete -c wirebell -n "__fish_wirebell_using_subcommand data; and not __fish_seen_subcommand_from check compact export help" -f -a "export" -d 'Print every message as a line of JSON, oldest first'
complete -c wirebell -n "__fish_wirebell_using_subcommand data; and not __fish_seen_subcommand_from check compact export help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wirebell -n "__fish_wirebell_using_subcommand data; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand data; and __fish_seen_subcommand_from compact" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand data; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand data; and __fish_seen_subcommand_from help" -f -a "check" -d 'Compare every page with its checksum, read every message, and say what there is'
complete -c wirebell -n "__fish_wirebell_using_subcommand data; and __fish_seen_subcommand_from help" -f -a "compact" -d 'Give the space of removed messages back to the disk'
complete -c wirebell -n "__fish_wirebell_using_subcommand data; and __fish_seen_subcommand_from help" -f -a "export" -d 'Print every message as a line of JSON, oldest first'
complete -c wirebell -n "__fish_wirebell_using_subcommand data; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wirebell -n "__fish_wirebell_using_subcommand certificate" -s o -l output -d 'Write cert.pem and key.pem into this directory, which is created if missing' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand certificate" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -s H -l header -d 'Send this header field with each handshake; may be given several times' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l subprotocol -d 'Offer this subprotocol with each handshake; may be given several times, the preferred one first' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l auth -d 'Send `Authorization: Basic` with this user and password' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l token -d 'Send `Authorization: Bearer` with this token' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l listen -d 'Test a client instead: listen here for it; port 0 picks a free port' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l wait -d 'How long to wait for the client\'s next connection [default: forever for the first one, then 30s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l case -d 'Run only cases that match this name, where * matches anything; may be given several times' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l skip -d 'Skip cases that match this name; may be given several times' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l level -d 'Run only cases of this level or stricter' -r -f -a "must\t'An RFC says MUST or MUST NOT'
should\t'An RFC says SHOULD, or describes the usual way'
quality\t'Good practice that no RFC requires'"
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l fail-on -d 'The lowest level at which a failure counts for the exit status' -r -f -a "must\t'An RFC says MUST or MUST NOT'
should\t'An RFC says SHOULD, or describes the usual way'
quality\t'Good practice that no RFC requires'"
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l replay -d 'Send the streams in this file once, as --random prints them' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l seconds -d 'How long to send random streams; a client of --listen is asked for 200 each second' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l seed -d 'Where the random streams begin: the same seed gives the same streams [default: by chance]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l max-deviations -d 'End as soon as random streams show N different deviations' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l format -d 'Format of the report' -r -f -a "text\t'For people'
json\t'Everything, for programs'
junit\t'For CI servers'
html\t'One self-contained page for browsers'
badge\t'A small image that says how many cases passed (SVG)'"
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -s o -l output -d 'Write the report to this file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -s j -l jobs -d 'Cases to run concurrently; with --listen, the client decides' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l timeout -d 'How long to wait for an answer' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l tls-cert -d 'File with the certificate (PEM), followed by those of intermediate authorities; with it, listeners speak TLS. May be given several times, each with its --tls-key: clients get the one for the name they ask for, otherwise the first. A server reloads it when it changes [default: no TLS]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l tls-key -d 'File with the key of the certificate (PEM, not encrypted); one for each --tls-cert, in the same order [default: none]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l tls-self-signed -d 'For development: speak TLS with a new certificate for localhost, this machine and the --host names of a server, which clients do not trust [default: false]' -r -f -a "true\t''
false\t''"
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l tls-min-version -d 'Lowest version of TLS [default: 1.2]' -r -f -a "1.2\t'TLS 1.2 and 1.3'
1.3\t'TLS 1.3 alone'"
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l tls-client-ca -d 'File with the authorities (PEM) that sign the certificates of clients; a server reloads it when it changes [default: clients need none]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l tls-client-auth -d 'Whether clients must have a certificate of --tls-client-ca [default: required]' -r -f -a "required\t'A client without one is refused'
optional\t'A client may have none'"
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l ca-file -d 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l client-cert -l cert -d 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l client-key -l key -d 'The key of that certificate: a PEM file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l tls-server-name -d 'The name that the server must prove, instead of the host of the URL' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l force -d 'Run the cases even if the server opens no WebSocket or does not echo'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l random -d 'Send random streams of valid and broken frames instead of the cases, and compare the answers with what the RFCs allow'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -l list -d 'List the cases without running them; with --listen, those for clients'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -s v -l verbose -d 'Show every case and the bytes exchanged, not only failures'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -s k -l insecure -d 'Trust every server: any machine in between can read and change everything'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -a "report" -d 'Put reports in JSON side by side on one page of HTML'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and not __fish_seen_subcommand_from report help" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and __fish_seen_subcommand_from report" -s o -l output -d 'Write the page to this file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and __fish_seen_subcommand_from report" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and __fish_seen_subcommand_from help" -f -a "report" -d 'Put reports in JSON side by side on one page of HTML'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -l minutes -d 'Also leave a WebSocket silent for this many minutes, such as 5 or 0.5, to find the idle timeout of the path' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -l topic -d 'The topic to subscribe to, and to publish one message to that is not kept [default: a new one, doctor.RANDOM]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -l origin -d 'A page whose scripts use the server, such as https://app.example.org: checks that browsers would let them. May be repeated' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -l auth -d 'Send `Authorization: Basic` with this user and password' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -l token -d 'Send `Authorization: Bearer` with this token' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -l timeout -d 'How long a connection, a response or a message may take; 0 means no limit' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -l format -d 'The report: text for people, or one object of JSON' -r -f -a "text\t'Lines'
json\t'An object'"
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -l ca-file -d 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -l client-cert -l cert -d 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -l client-key -l key -d 'The key of that certificate: a PEM file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -l tls-server-name -d 'The name that the server must prove, instead of the host of the URL' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -l strict -d 'Exit with 1 for warnings too'
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -s k -l insecure -d 'Trust every server: any machine in between can read and change everything'
complete -c wirebell -n "__fish_wirebell_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -l format -d 'Output format' -r -f -a "text\t'For a terminal'
json\t'For programs'
html\t'A self-contained page for a browser'"
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -l as -d 'Form of the input [default: detected]' -r -f -a "hex\t'Hexadecimal digits, or other text that represents bytes'
raw\t'The bytes of one direction'
pcap\t'A packet capture of both directions: pcap or pcapng'"
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -l from -d 'Who sent the bytes, for hex and raw [default: detected from the first frame or head]' -r -f -a "client\t'The side that connects; it masks what it sends'
server\t'The side that listens'"
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -l deflate -d 'The negotiated compression, as in the server\'s response, when the input has no handshake: \'permessage-deflate; server_no_context_takeover\'' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -l show-bytes -d 'Show at most N bytes of each payload in text and HTML; JSON has them all' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -l max-items -d 'Explain at most N heads and frames of each side; the rest are counted and checked, and up to N more with a violation are explained' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -s o -l output -d 'Write to this file instead of stdout' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s m -l mode -d 'What to measure' -r -f -a "echo\t'From a message to its echo'
idle\t'Memory of idle connections'
fan-out\t'From a publication to its subscribers'
handshake\t'Opening connections'"
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s c -l connections -d 'Connections; `handshake`: at most N open at a time' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s s -l size -d 'Payload of a message [default: 32B; `fan-out`: 128B]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l depth -d 'Messages in flight on each connection [default: 1; with --rate up to 256 KiB of them]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s r -l rate -d 'Messages (or handshakes, or publications) per second over all connections [default: a closed loop]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l warm-up -d 'Warm-up under load before the measurement' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s d -l duration -d 'Duration of the measurement' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l deflate -d 'Compression to offer: `off`, `on`, or `takeover`, which keeps the window between messages' -r -f -a "off\t'No compression'
on\t'Each message independently: no memory for idle connections'
takeover\t'Keep the window between messages, both ways'"
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s t -l threads -d 'Event loops, one thread each' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l ramp -d 'Connections to open per second [default: sequentially, without a pause]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s H -l header -d 'Send this header field with each handshake, and with each publication over HTTP; may be given several times' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l subprotocol -d 'Offer this subprotocol; may be given several times, the preferred one first' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l auth -d 'Send `Authorization: Basic` with this user and password' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l token -d 'Send `Authorization: Bearer` with this token' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s p -l pid -d 'Process ID of the server on this machine: measure its CPU time, or with `idle` its memory' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l ping -d '`idle`: send a Ping after this long without traffic; 0 disables' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l publishers -d '`fan-out`: publishers, one thread each' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l subscribe -d '`fan-out`: what a subscriber sends first; empty for nothing' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l publish-url -d '`fan-out`: where to publish: http(s)://... for a POST, ws(s)://... for a message [default: /push of the same server]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l publish -d '`fan-out`: what to publish, where {message} is replaced by the message' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l topic -d '`fan-out`: subscribe to this topic at /topics/TOPIC, and publish to it over HTTP, on one connection per publisher that stays open' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l batch -d '`fan-out` with --topic: publish N messages in one request' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l pipeline -d '`fan-out` with --topic: send N requests before the first is answered' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l timeout -d 'Timeout for a connection and its handshake, and for answers still missing at the end' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l format -d 'Format of the report' -r -f -a "text\t'For people'
json\t'Everything, for programs'"
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s o -l output -d 'Write the report to this file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l plot -d 'Plot the latencies by percentile into this SVG file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l ca-file -d 'Trust the servers whose certificates are in this PEM file or signed by one in it, instead of those that the system trusts' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l client-cert -l cert -d 'The certificate for servers that ask for one, followed by those that lead to its authority: a PEM file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l client-key -l key -d 'The key of that certificate: a PEM file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l tls-server-name -d 'The name that the server must prove, instead of the host of the URL' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l text -d 'Send text instead of binary messages'
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l touch -d '`idle`: first echo one message on each connection'
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l envelopes -d '`fan-out` with --topic: subscribe with wirebell.v1, not to bare payloads'
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s k -l insecure -d 'Trust every server: any machine in between can read and change everything'
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand completions" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand man" -s o -l output -d 'Write all pages into this directory, which is created if missing' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand man" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "serve" -d 'Run the push server'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "echo" -d 'Echo every message on every path, for conformance and load tools'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "connect" -d 'Connect to a server: send lines, print messages'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "push" -d 'Publish to a push server'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "token" -d 'Create, list and revoke the tokens of a push server'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "data" -d 'Check, shrink and export the data file of a push server'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "certificate" -d 'Make a self-signed certificate for development'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "verify" -d 'Test whether an echo server or a client conforms to the RFCs'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "doctor" -d 'Check a deployment from outside, and say what to change'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "inspect" -d 'Explain captured frames byte by byte'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "bench" -d 'Load a server and measure it'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "completions" -d 'Print a shell completion script'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "man" -d 'Print a manual page, or write all of them'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push token data certificate verify doctor inspect bench completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "new" -d 'Create a token, print it once, and add it to the file, which is created if missing'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "list" -d 'List the tokens: their names and rights, and the first digits of their digests'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "revoke" -d 'Remove tokens: connections that use them end within a second'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and __fish_seen_subcommand_from data" -f -a "check" -d 'Compare every page with its checksum, read every message, and say what there is'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and __fish_seen_subcommand_from data" -f -a "compact" -d 'Give the space of removed messages back to the disk'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and __fish_seen_subcommand_from data" -f -a "export" -d 'Print every message as a line of JSON, oldest first'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and __fish_seen_subcommand_from verify" -f -a "report" -d 'Put reports in JSON side by side on one page of HTML'
