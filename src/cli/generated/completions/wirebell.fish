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
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "verify" -d 'Test how well an echo server, or a client, keeps to the RFCs'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "inspect" -d 'Explain captured frames byte by byte'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "bench" -d 'Load a server and measure it'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "completions" -d 'Print what a shell needs to complete commands and flags'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "man" -d 'Print a manual page, or write them all'
complete -c wirebell -n "__fish_wirebell_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l config -d 'Read settings from this TOML file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l push-key-file -d 'File with the key that publishers must send as `Authorization: Bearer KEY`; the key may also stand in the environment variable WIREBELL_PUSH_KEY [default: everybody may publish]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l token-file -d 'File with lines of `TOKEN USER`; read again when it changes [default: a token is the name of its user]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-body -d 'Longest body of an HTTP request [default: 1MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l register-timeout -d 'Time in which a connection to /ws must register [default: 30s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l echo -d 'Offer /echo, a WebSocket that echoes, also on a server with keys or tokens; `--echo=false` does without it everywhere [default: only without keys and tokens]' -r -f -a "true\t''
false\t''"
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -s l -l listen -d 'Address and port to listen on [default: 127.0.0.1:8080]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -s w -l workers -d 'Worker threads; 0 means one per core [default: 0]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l host -d 'Name of this server, without a port, which requests may be sent to; may be given several times. A server on a loopback address answers to `localhost` and loopback addresses anyway [default: beyond loopback, any name]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l origin -d 'Origins of web pages that may connect, beside those of the same host: exact ones such as https://example.org, all below a name such as https://*.example.org, `null`, `file://`, or `any`; may be given several times [default: same-host]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-message -d 'Longest message, all fragments together; a longer one is closed with 1009 [default: 16MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-queued -d 'Bytes that may wait for one slow connection [default: 1MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l overflow -d 'What happens to a connection for which more waits [default: disconnect]' -r -f -a "disconnect\t'End it with close code 1013'
drop-oldest\t'Drop the oldest waiting messages'
keep-latest\t'Drop older waiting messages of the same topic'"
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l deflate -d 'Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`, which lets messages refer to earlier ones: smaller, for up to 320 KiB a connection [default: on]' -r -f -a "off\t'No compression'
on\t'Each message for itself: no memory for idle connections'
takeover\t'Messages refer to earlier ones, both ways'"
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l deflate-level -d 'How hard to compress, from 1 (quick) to 9 [default: 2]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l deflate-window-bits -d 'Window of compression, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages, and asked of clients that let us choose [default: 15]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l deflate-budget -d 'Memory that all connections together may keep for `takeover`; past it, new ones do without [default: 64MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l deflate-min -d 'Shortest message that is compressed [default: 128B]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-connections -d 'Connections of one worker [default: 1000000]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-connections-per-address -d 'Connections of one address (IPv6: /64) and worker; 0 means any number [default: 0]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l ping-interval -d 'Silence after which a connection is asked with a Ping; 0 never asks [default: 30s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l pong-timeout -d 'Time for an answer to a Ping [default: 15s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-head -d 'Longest head of a request [default: 32KiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-fields -d 'Header fields of a request, up to 128 [default: 100]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l max-target -d 'Longest target of a request: path and query [default: 16KiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l idle-timeout -d 'Time that an HTTP connection may be idle between two requests; longer than that of a proxy in front [default: 75s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l head-timeout -d 'Time for the head of a request to arrive [default: 10s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l close-timeout -d 'Time for the answer to our Close [default: 5s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l stall-timeout -d 'Time without progress after which a blocked connection is ended [default: 30s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l message-timeout -d 'Time for a message to arrive whole; 0 means no bound [default: 5m]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l memory -d 'Memory for unfinished messages and requests and for what waits for slow readers, of all connections; past it the largest holders are closed [default: 256MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l log -d 'What is logged to stderr: off, error, warn, info, debug or trace [default: info]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l trace -d 'Write all that goes over the connections to this file, secrets too, as a capture that `wirebell inspect` and Wireshark read [default: nothing is written]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l trace-limit -d 'Stop writing it when it has this size; 0 means no limit [default: 1GiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -l check -d 'Check the settings, print them as they would be used, and exit'
complete -c wirebell -n "__fish_wirebell_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l config -d 'Read settings from this TOML file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l subprotocol -d 'Subprotocol that is confirmed to clients which offer it, of several the one that the client offers first; may be given several times [default: whichever the client offers first]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -s l -l listen -d 'Address and port to listen on [default: 127.0.0.1:8080]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -s w -l workers -d 'Worker threads; 0 means one per core [default: 0]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l host -d 'Name of this server, without a port, which requests may be sent to; may be given several times. A server on a loopback address answers to `localhost` and loopback addresses anyway [default: beyond loopback, any name]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l origin -d 'Origins of web pages that may connect, beside those of the same host: exact ones such as https://example.org, all below a name such as https://*.example.org, `null`, `file://`, or `any`; may be given several times [default: same-host]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-message -d 'Longest message, all fragments together; a longer one is closed with 1009 [default: 16MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-queued -d 'Bytes that may wait for one slow connection [default: 1MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l overflow -d 'What happens to a connection for which more waits [default: disconnect]' -r -f -a "disconnect\t'End it with close code 1013'
drop-oldest\t'Drop the oldest waiting messages'
keep-latest\t'Drop older waiting messages of the same topic'"
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l deflate -d 'Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`, which lets messages refer to earlier ones: smaller, for up to 320 KiB a connection [default: on]' -r -f -a "off\t'No compression'
on\t'Each message for itself: no memory for idle connections'
takeover\t'Messages refer to earlier ones, both ways'"
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l deflate-level -d 'How hard to compress, from 1 (quick) to 9 [default: 2]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l deflate-window-bits -d 'Window of compression, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages, and asked of clients that let us choose [default: 15]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l deflate-budget -d 'Memory that all connections together may keep for `takeover`; past it, new ones do without [default: 64MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l deflate-min -d 'Shortest message that is compressed [default: 128B]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-connections -d 'Connections of one worker [default: 1000000]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-connections-per-address -d 'Connections of one address (IPv6: /64) and worker; 0 means any number [default: 0]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l ping-interval -d 'Silence after which a connection is asked with a Ping; 0 never asks [default: 30s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l pong-timeout -d 'Time for an answer to a Ping [default: 15s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-head -d 'Longest head of a request [default: 32KiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-fields -d 'Header fields of a request, up to 128 [default: 100]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l max-target -d 'Longest target of a request: path and query [default: 16KiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l idle-timeout -d 'Time that an HTTP connection may be idle between two requests; longer than that of a proxy in front [default: 75s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l head-timeout -d 'Time for the head of a request to arrive [default: 10s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l close-timeout -d 'Time for the answer to our Close [default: 5s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l stall-timeout -d 'Time without progress after which a blocked connection is ended [default: 30s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l message-timeout -d 'Time for a message to arrive whole; 0 means no bound [default: 5m]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l memory -d 'Memory for unfinished messages and requests and for what waits for slow readers, of all connections; past it the largest holders are closed [default: 256MiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l log -d 'What is logged to stderr: off, error, warn, info, debug or trace [default: info]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l trace -d 'Write all that goes over the connections to this file, secrets too, as a capture that `wirebell inspect` and Wireshark read [default: nothing is written]' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l trace-limit -d 'Stop writing it when it has this size; 0 means no limit [default: 1GiB]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -l check -d 'Check the settings, print them as they would be used, and exit'
complete -c wirebell -n "__fish_wirebell_using_subcommand echo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -s H -l header -d 'Send this header field with the handshake; may be given several times' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l subprotocol -d 'Offer this subprotocol; may be given several times, the preferred one first' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l origin -d 'Send this Origin, as a page from there would' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l auth -d 'Send `Authorization: Basic` with this user and password' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l token -d 'Send `Authorization: Bearer` with this token' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l binary -d 'Send and print binary messages: `hex`, a line of hexadecimal digits for each, or `raw`, bytes as they are [default: text; a binary message that arrives is printed as hex]' -r -f -a "hex\t'Hexadecimal digits, a line for each message'
raw\t'Bytes as they are'"
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l ping -d 'UpgradeRequest the server with a Ping after so many seconds of silence; 0 never asks' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l max-messages -d 'Close after so many messages have arrived' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l wait -d 'Keep receiving for so long after the end of stdin before closing' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l reconnect -d 'When the connection cannot be opened or is lost, try again, with growing waits; at most N times behind each other, 0 for ever. What stdin says meanwhile is sent later' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l trace -d 'Write all that goes over the connection to this file, as a capture that `wirebell inspect` and Wireshark read' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l trace-limit -d 'Stop writing it when it has this size; 0 means no limit' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l deflate -d 'Compression to offer: `off`, `on`, or `takeover`, which lets messages refer to earlier ones' -r -f -a "off\t'No compression'
on\t'Each message for itself: no memory for idle connections'
takeover\t'Messages refer to earlier ones, both ways'"
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l max-message -d 'Longest message to receive, and longest line to send' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l proxy -d 'Go through this HTTP proxy: http://[USER:PASS@]HOST[:PORT] [default: as ws_proxy, http_proxy, all_proxy and no_proxy say]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l timeout -d 'Time for the connection and the handshake' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l json-lines -d 'Send and print each message as a line of JSON: a string is text, `{"base64":"..."}` binary. So messages may hold line breaks'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -s n -l no-input -d 'Do not read stdin: only receive, until the server closes or a signal comes'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l show-frames -d 'Print every frame, both ways, on stderr'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -l no-proxy -d 'Go through no proxy, whatever the environment says'
complete -c wirebell -n "__fish_wirebell_using_subcommand connect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l server -d 'The push server' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l user -d 'For whom: the user' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l event -d 'For which event' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l key-file -d 'File with the key that the server asks of publishers; it may also stand in the environment variable WIREBELL_PUSH_KEY' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l attempts -d 'Attempts for each message, with growing waits between them' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l timeout -d 'Time for one attempt' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -l lines -d 'Push each line of stdin as a message of its own, as it comes'
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -s v -l verbose -d 'Print how many connections each message has reached'
complete -c wirebell -n "__fish_wirebell_using_subcommand push" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -s H -l header -d 'Send this header field with each handshake; may be given several times' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l subprotocol -d 'Offer this subprotocol with each handshake; may be given several times, the preferred one first' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l auth -d 'Send `Authorization: Basic` with this user and password' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l token -d 'Send `Authorization: Bearer` with this token' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l listen -d 'Test a client instead: wait for it here; with port 0, on a free one' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l wait -d 'How long to wait for the client\'s next connection [default: for the first one for ever, then 30s]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l case -d 'Run only cases with this name, in which * stands for anything; may be given several times' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l skip -d 'Leave out cases with this name; may be given several times' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l level -d 'Run only cases of this level and of stricter ones' -r -f -a "must\t'An RFC says MUST or MUST NOT'
should\t'An RFC says SHOULD, or says how it is usually done'
quality\t'No RFC asks for it; a good endpoint does it all the same'"
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l fail-on -d 'The lowest level at which a failure counts for the exit status' -r -f -a "must\t'An RFC says MUST or MUST NOT'
should\t'An RFC says SHOULD, or says how it is usually done'
quality\t'No RFC asks for it; a good endpoint does it all the same'"
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l format -d 'How to report' -r -f -a "text\t'For people'
json\t'Everything, for programs'
junit\t'For build servers'"
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -s o -l output -d 'Write the report to this file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -s j -l jobs -d 'Cases that run at the same time; a client decides that for itself' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l timeout -d 'How long an answer may take' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l force -d 'Run the cases even if the server opens no WebSocket or does not echo'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -l list -d 'Print the cases and run nothing; with --listen, those for clients'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -s v -l verbose -d 'Show every case and what was said, not only failures'
complete -c wirebell -n "__fish_wirebell_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -l format -d 'How to print it' -r -f -a "text\t'For a terminal'
json\t'For programs'
html\t'One page for a browser, which needs nothing else'"
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -l as -d 'What the input is [default: guessed]' -r -f -a "hex\t'Hexadecimal digits, or another text that stands for bytes'
raw\t'The bytes of one direction'
pcap\t'A capture of packets, both directions: pcap or pcapng'"
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -l from -d 'Who has sent the bytes, for hex and raw [default: guessed from the first frame or head]' -r -f -a "client\t'The end that connects; it masks what it sends'
server\t'The end that listens'"
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -l deflate -d 'What was agreed on about compression, as the server\'s answer names it, where the input has no handshake: \'permessage-deflate; server_no_context_takeover\'' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -l show-bytes -d 'Show at most so many bytes of each payload, as text and HTML; JSON has them all' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -l max-items -d 'Explain at most so many heads and frames of each side; the others are counted and checked, and those that break a rule are explained, as many again' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -s o -l output -d 'Write to this file instead of stdout' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s m -l mode -d 'What to measure' -r -f -a "echo\t'From a message to its echo'
idle\t'Memory of connections that say nothing'
fan-out\t'From a publication to its subscribers'
handshake\t'Opening connections'"
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s c -l connections -d 'Connections; `handshake`: at most so many open at the same time' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s s -l size -d 'Payload of a message [default: 32B; `fan-out`: 128B]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l depth -d 'Messages in flight on each connection [default: 1; with --rate up to 256 KiB of them]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s r -l rate -d 'Messages (or handshakes, or publications) a second, all connections together [default: a closed loop]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l warm-up -d 'Time under load before the measurement' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s d -l duration -d 'Time of the measurement' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l deflate -d 'Compression to offer: `off`, `on`, or `takeover`, which lets messages refer to earlier ones' -r -f -a "off\t'No compression'
on\t'Each message for itself: no memory for idle connections'
takeover\t'Messages refer to earlier ones, both ways'"
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s t -l threads -d 'Event loops, each on a thread of its own' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l ramp -d 'Connections to open a second [default: one behind the other]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s H -l header -d 'Send this header field with each handshake, and with each publication over HTTP; may be given several times' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l subprotocol -d 'Offer this subprotocol; may be given several times, the preferred one first' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l auth -d 'Send `Authorization: Basic` with this user and password' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l token -d 'Send `Authorization: Bearer` with this token' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s p -l pid -d 'Measure CPU time, or with `idle` memory, of this process on this machine: the server' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l ping -d '`idle`: silence after which a connection is asked with a Ping; 0 never asks' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l publishers -d '`fan-out`: publishers, each on a thread of its own' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l subscribe -d '`fan-out`: what a subscriber sends first; empty for nothing' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l publish-url -d '`fan-out`: where to publish: http://... for a POST, ws://... for a message [default: /push of the same server]' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l publish -d '`fan-out`: what to publish, with the message for {message}' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l timeout -d 'Time for a connection and its handshake, and for answers that are still missing at the end' -r
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l format -d 'How to report' -r -f -a "text\t'For people'
json\t'Everything, for programs'"
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s o -l output -d 'Write the report to this file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l plot -d 'Draw the latencies by percentile into this SVG file' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l text -d 'Send text instead of binary messages'
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -l touch -d '`idle`: have one message echoed on each connection first'
complete -c wirebell -n "__fish_wirebell_using_subcommand bench" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wirebell -n "__fish_wirebell_using_subcommand completions" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand man" -s o -l output -d 'Write all pages into this folder, which is made if there is none' -r -F
complete -c wirebell -n "__fish_wirebell_using_subcommand man" -s h -l help -d 'Print help'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push verify inspect bench completions man help" -f -a "serve" -d 'Run the push server'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push verify inspect bench completions man help" -f -a "echo" -d 'Echo every message on every path, for conformance and load tools'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push verify inspect bench completions man help" -f -a "connect" -d 'Connect to a server: send lines, print messages'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push verify inspect bench completions man help" -f -a "push" -d 'Publish to a push server'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push verify inspect bench completions man help" -f -a "verify" -d 'Test how well an echo server, or a client, keeps to the RFCs'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push verify inspect bench completions man help" -f -a "inspect" -d 'Explain captured frames byte by byte'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push verify inspect bench completions man help" -f -a "bench" -d 'Load a server and measure it'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push verify inspect bench completions man help" -f -a "completions" -d 'Print what a shell needs to complete commands and flags'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push verify inspect bench completions man help" -f -a "man" -d 'Print a manual page, or write them all'
complete -c wirebell -n "__fish_wirebell_using_subcommand help; and not __fish_seen_subcommand_from serve echo connect push verify inspect bench completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
