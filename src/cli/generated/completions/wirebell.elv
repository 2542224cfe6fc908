
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
            cand verify 'Test how well an echo server, or a client, keeps to the RFCs'
            cand inspect 'Explain captured frames byte by byte'
            cand bench 'Load a server and measure it'
            cand completions 'Print what a shell needs to complete commands and flags'
            cand man 'Print a manual page, or write them all'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'wirebell;serve'= {
            cand --config 'Read settings from this TOML file'
            cand --push-key-file 'File with the key that publishers must send as `Authorization: Bearer KEY`; the key may also stand in the environment variable WIREBELL_PUSH_KEY [default: everybody may publish]'
            cand --token-file 'File with lines of `TOKEN USER`; read again when it changes [default: a token is the name of its user]'
            cand --max-body 'Longest body of an HTTP request [default: 1MiB]'
            cand --register-timeout 'Time in which a connection to /ws must register [default: 30s]'
            cand --echo 'Offer /echo, a WebSocket that echoes, also on a server with keys or tokens; `--echo=false` does without it everywhere [default: only without keys and tokens]'
            cand -l 'Address and port to listen on [default: 127.0.0.1:8080]'
            cand --listen 'Address and port to listen on [default: 127.0.0.1:8080]'
            cand -w 'Worker threads; 0 means one per core [default: 0]'
            cand --workers 'Worker threads; 0 means one per core [default: 0]'
            cand --host 'Name of this server, without a port, which requests may be sent to; may be given several times. A server on a loopback address answers to `localhost` and loopback addresses anyway [default: beyond loopback, any name]'
            cand --origin 'Origins of web pages that may connect, beside those of the same host: exact ones such as https://example.org, all below a name such as https://*.example.org, `null`, `file://`, or `any`; may be given several times [default: same-host]'
            cand --max-message 'Longest message, all fragments together; a longer one is closed with 1009 [default: 16MiB]'
            cand --max-queued 'Bytes that may wait for one slow connection [default: 1MiB]'
            cand --overflow 'What happens to a connection for which more waits [default: disconnect]'
            cand --deflate 'Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`, which lets messages refer to earlier ones: smaller, for up to 320 KiB a connection [default: on]'
            cand --deflate-level 'How hard to compress, from 1 (quick) to 9 [default: 2]'
            cand --deflate-window-bits 'Window of compression, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages, and asked of clients that let us choose [default: 15]'
            cand --deflate-budget 'Memory that all connections together may keep for `takeover`; past it, new ones do without [default: 64MiB]'
            cand --deflate-min 'Shortest message that is compressed [default: 128B]'
            cand --max-connections 'Connections of one worker [default: 1000000]'
            cand --max-connections-per-address 'Connections of one address (IPv6: /64) and worker; 0 means any number [default: 0]'
            cand --ping-interval 'Silence after which a connection is asked with a Ping; 0 never asks [default: 30s]'
            cand --pong-timeout 'Time for an answer to a Ping [default: 15s]'
            cand --max-head 'Longest head of a request [default: 32KiB]'
            cand --max-fields 'Header fields of a request, up to 128 [default: 100]'
            cand --max-target 'Longest target of a request: path and query [default: 16KiB]'
            cand --idle-timeout 'Time that an HTTP connection may be idle between two requests; longer than that of a proxy in front [default: 75s]'
            cand --head-timeout 'Time for the head of a request to arrive [default: 10s]'
            cand --close-timeout 'Time for the answer to our Close [default: 5s]'
            cand --stall-timeout 'Time without progress after which a blocked connection is ended [default: 30s]'
            cand --message-timeout 'Time for a message to arrive whole; 0 means no bound [default: 5m]'
            cand --memory 'Memory for unfinished messages and requests and for what waits for slow readers, of all connections; past it the largest holders are closed [default: 256MiB]'
            cand --log 'What is logged to stderr: off, error, warn, info, debug or trace [default: info]'
            cand --trace 'Write all that goes over the connections to this file, secrets too, as a capture that `wirebell inspect` and Wireshark read [default: nothing is written]'
            cand --trace-limit 'Stop writing it when it has this size; 0 means no limit [default: 1GiB]'
            cand --check 'Check the settings, print them as they would be used, and exit'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wirebell;echo'= {
            cand --config 'Read settings from this TOML file'
            cand --subprotocol 'Subprotocol that is confirmed to clients which offer it, of several the one that the client offers first; may be given several times [default: whichever the client offers first]'
            cand -l 'Address and port to listen on [default: 127.0.0.1:8080]'
            cand --listen 'Address and port to listen on [default: 127.0.0.1:8080]'
            cand -w 'Worker threads; 0 means one per core [default: 0]'
            cand --workers 'Worker threads; 0 means one per core [default: 0]'
            cand --host 'Name of this server, without a port, which requests may be sent to; may be given several times. A server on a loopback address answers to `localhost` and loopback addresses anyway [default: beyond loopback, any name]'
            cand --origin 'Origins of web pages that may connect, beside those of the same host: exact ones such as https://example.org, all below a name such as https://*.example.org, `null`, `file://`, or `any`; may be given several times [default: same-host]'
            cand --max-message 'Longest message, all fragments together; a longer one is closed with 1009 [default: 16MiB]'
            cand --max-queued 'Bytes that may wait for one slow connection [default: 1MiB]'
            cand --overflow 'What happens to a connection for which more waits [default: disconnect]'
            cand --deflate 'Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`, which lets messages refer to earlier ones: smaller, for up to 320 KiB a connection [default: on]'
            cand --deflate-level 'How hard to compress, from 1 (quick) to 9 [default: 2]'
            cand --deflate-window-bits 'Window of compression, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages, and asked of clients that let us choose [default: 15]'
            cand --deflate-budget 'Memory that all connections together may keep for `takeover`; past it, new ones do without [default: 64MiB]'
            cand --deflate-min 'Shortest message that is compressed [default: 128B]'
            cand --max-connections 'Connections of one worker [default: 1000000]'
            cand --max-connections-per-address 'Connections of one address (IPv6: /64) and worker; 0 means any number [default: 0]'
            cand --ping-interval 'Silence after which a connection is asked with a Ping; 0 never asks [default: 30s]'
            cand --pong-timeout 'Time for an answer to a Ping [default: 15s]'
            cand --max-head 'Longest head of a request [default: 32KiB]'
            cand --max-fields 'Header fields of a request, up to 128 [default: 100]'
            cand --max-target 'Longest target of a request: path and query [default: 16KiB]'
            cand --idle-timeout 'Time that an HTTP connection may be idle between two requests; longer than that of a proxy in front [default: 75s]'
            cand --head-timeout 'Time for the head of a request to arrive [default: 10s]'
            cand --close-timeout 'Time for the answer to our Close [default: 5s]'
            cand --stall-timeout 'Time without progress after which a blocked connection is ended [default: 30s]'
            cand --message-timeout 'Time for a message to arrive whole; 0 means no bound [default: 5m]'
            cand --memory 'Memory for unfinished messages and requests and for what waits for slow readers, of all connections; past it the largest holders are closed [default: 256MiB]'
            cand --log 'What is logged to stderr: off, error, warn, info, debug or trace [default: info]'
            cand --trace 'Write all that goes over the connections to this file, secrets too, as a capture that `wirebell inspect` and Wireshark read [default: nothing is written]'
            cand --trace-limit 'Stop writing it when it has this size; 0 means no limit [default: 1GiB]'
            cand --check 'Check the settings, print them as they would be used, and exit'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wirebell;connect'= {
            cand -H 'Send this header field with the handshake; may be given several times'
            cand --header 'Send this header field with the handshake; may be given several times'
            cand --subprotocol 'Offer this subprotocol; may be given several times, the preferred one first'
            cand --origin 'Send this Origin, as a page from there would'
            cand --auth 'Send `Authorization: Basic` with this user and password'
            cand --token 'Send `Authorization: Bearer` with this token'
            cand --binary 'Send and print binary messages: `hex`, a line of hexadecimal digits for each, or `raw`, bytes as they are [default: text; a binary message that arrives is printed as hex]'
            cand --ping 'UpgradeRequest the server with a Ping after so many seconds of silence; 0 never asks'
            cand --max-messages 'Close after so many messages have arrived'
            cand --wait 'Keep receiving for so long after the end of stdin before closing'
            cand --reconnect 'When the connection cannot be opened or is lost, try again, with growing waits; at most N times behind each other, 0 for ever. What stdin says meanwhile is sent later'
            cand --trace 'Write all that goes over the connection to this file, as a capture that `wirebell inspect` and Wireshark read'
            cand --trace-limit 'Stop writing it when it has this size; 0 means no limit'
            cand --deflate 'Compression to offer: `off`, `on`, or `takeover`, which lets messages refer to earlier ones'
            cand --max-message 'Longest message to receive, and longest line to send'
            cand --proxy 'Go through this HTTP proxy: http://[USER:PASS@]HOST[:PORT] [default: as ws_proxy, http_proxy, all_proxy and no_proxy say]'
            cand --timeout 'Time for the connection and the handshake'
            cand --json-lines 'Send and print each message as a line of JSON: a string is text, `{"base64":"..."}` binary. So messages may hold line breaks'
            cand -n 'Do not read stdin: only receive, until the server closes or a signal comes'
            cand --no-input 'Do not read stdin: only receive, until the server closes or a signal comes'
            cand --show-frames 'Print every frame, both ways, on stderr'
            cand --no-proxy 'Go through no proxy, whatever the environment says'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wirebell;push'= {
            cand --server 'The push server'
            cand --user 'For whom: the user'
            cand --event 'For which event'
            cand --key-file 'File with the key that the server asks of publishers; it may also stand in the environment variable WIREBELL_PUSH_KEY'
            cand --attempts 'Attempts for each message, with growing waits between them'
            cand --timeout 'Time for one attempt'
            cand --lines 'Push each line of stdin as a message of its own, as it comes'
            cand -v 'Print how many connections each message has reached'
            cand --verbose 'Print how many connections each message has reached'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;verify'= {
            cand -H 'Send this header field with each handshake; may be given several times'
            cand --header 'Send this header field with each handshake; may be given several times'
            cand --subprotocol 'Offer this subprotocol with each handshake; may be given several times, the preferred one first'
            cand --auth 'Send `Authorization: Basic` with this user and password'
            cand --token 'Send `Authorization: Bearer` with this token'
            cand --listen 'Test a client instead: wait for it here; with port 0, on a free one'
            cand --wait 'How long to wait for the client''s next connection [default: for the first one for ever, then 30s]'
            cand --case 'Run only cases with this name, in which * stands for anything; may be given several times'
            cand --skip 'Leave out cases with this name; may be given several times'
            cand --level 'Run only cases of this level and of stricter ones'
            cand --fail-on 'The lowest level at which a failure counts for the exit status'
            cand --format 'How to report'
            cand -o 'Write the report to this file'
            cand --output 'Write the report to this file'
            cand -j 'Cases that run at the same time; a client decides that for itself'
            cand --jobs 'Cases that run at the same time; a client decides that for itself'
            cand --timeout 'How long an answer may take'
            cand --force 'Run the cases even if the server opens no WebSocket or does not echo'
            cand --list 'Print the cases and run nothing; with --listen, those for clients'
            cand -v 'Show every case and what was said, not only failures'
            cand --verbose 'Show every case and what was said, not only failures'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wirebell;inspect'= {
            cand --format 'How to print it'
            cand --as 'What the input is [default: guessed]'
            cand --from 'Who has sent the bytes, for hex and raw [default: guessed from the first frame or head]'
            cand --deflate 'What was agreed on about compression, as the server''s answer names it, where the input has no handshake: ''permessage-deflate; server_no_context_takeover'''
            cand --show-bytes 'Show at most so many bytes of each payload, as text and HTML; JSON has them all'
            cand --max-items 'Explain at most so many heads and frames of each side; the others are counted and checked, and those that break a rule are explained, as many again'
            cand -o 'Write to this file instead of stdout'
            cand --output 'Write to this file instead of stdout'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wirebell;bench'= {
            cand -m 'What to measure'
            cand --mode 'What to measure'
            cand -c 'Connections; `handshake`: at most so many open at the same time'
            cand --connections 'Connections; `handshake`: at most so many open at the same time'
            cand -s 'Payload of a message [default: 32B; `fan-out`: 128B]'
            cand --size 'Payload of a message [default: 32B; `fan-out`: 128B]'
            cand --depth 'Messages in flight on each connection [default: 1; with --rate up to 256 KiB of them]'
            cand -r 'Messages (or handshakes, or publications) a second, all connections together [default: a closed loop]'
            cand --rate 'Messages (or handshakes, or publications) a second, all connections together [default: a closed loop]'
            cand --warm-up 'Time under load before the measurement'
            cand -d 'Time of the measurement'
            cand --duration 'Time of the measurement'
            cand --deflate 'Compression to offer: `off`, `on`, or `takeover`, which lets messages refer to earlier ones'
            cand -t 'Event loops, each on a thread of its own'
            cand --threads 'Event loops, each on a thread of its own'
            cand --ramp 'Connections to open a second [default: one behind the other]'
            cand -H 'Send this header field with each handshake, and with each publication over HTTP; may be given several times'
            cand --header 'Send this header field with each handshake, and with each publication over HTTP; may be given several times'
            cand --subprotocol 'Offer this subprotocol; may be given several times, the preferred one first'
            cand --auth 'Send `Authorization: Basic` with this user and password'
            cand --token 'Send `Authorization: Bearer` with this token'
            cand -p 'Measure CPU time, or with `idle` memory, of this process on this machine: the server'
            cand --pid 'Measure CPU time, or with `idle` memory, of this process on this machine: the server'
            cand --ping '`idle`: silence after which a connection is asked with a Ping; 0 never asks'
            cand --publishers '`fan-out`: publishers, each on a thread of its own'
            cand --subscribe '`fan-out`: what a subscriber sends first; empty for nothing'
            cand --publish-url '`fan-out`: where to publish: http://... for a POST, ws://... for a message [default: /push of the same server]'
            cand --publish '`fan-out`: what to publish, with the message for {message}'
            cand --timeout 'Time for a connection and its handshake, and for answers that are still missing at the end'
            cand --format 'How to report'
            cand -o 'Write the report to this file'
            cand --output 'Write the report to this file'
            cand --plot 'Draw the latencies by percentile into this SVG file'
            cand --text 'Send text instead of binary messages'
            cand --touch '`idle`: have one message echoed on each connection first'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'wirebell;completions'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;man'= {
            cand -o 'Write all pages into this folder, which is made if there is none'
            cand --output 'Write all pages into this folder, which is made if there is none'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'wirebell;help'= {
            cand serve 'Run the push server'
            cand echo 'Echo every message on every path, for conformance and load tools'
            cand connect 'Connect to a server: send lines, print messages'
            cand push 'Publish to a push server'
            cand verify 'Test how well an echo server, or a client, keeps to the RFCs'
            cand inspect 'Explain captured frames byte by byte'
            cand bench 'Load a server and measure it'
            cand completions 'Print what a shell needs to complete commands and flags'
            cand man 'Print a manual page, or write them all'
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
        &'wirebell;help;verify'= {
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
