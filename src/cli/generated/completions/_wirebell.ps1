
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
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Test how well an echo server, or a client, keeps to the RFCs')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Explain captured frames byte by byte')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Load a server and measure it')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print what a shell needs to complete commands and flags')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page, or write them all')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wirebell;serve' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this TOML file')
            [CompletionResult]::new('--push-key-file', '--push-key-file', [CompletionResultType]::ParameterName, 'File with the key that publishers must send as `Authorization: Bearer KEY`; the key may also stand in the environment variable WIREBELL_PUSH_KEY [default: everybody may publish]')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'File with lines of `TOKEN USER`; read again when it changes [default: a token is the name of its user]')
            [CompletionResult]::new('--max-body', '--max-body', [CompletionResultType]::ParameterName, 'Longest body of an HTTP request [default: 1MiB]')
            [CompletionResult]::new('--register-timeout', '--register-timeout', [CompletionResultType]::ParameterName, 'Time in which a connection to /ws must register [default: 30s]')
            [CompletionResult]::new('--echo', '--echo', [CompletionResultType]::ParameterName, 'Offer /echo, a WebSocket that echoes, also on a server with keys or tokens; `--echo=false` does without it everywhere [default: only without keys and tokens]')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Address and port to listen on [default: 127.0.0.1:8080]')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Address and port to listen on [default: 127.0.0.1:8080]')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Worker threads; 0 means one per core [default: 0]')
            [CompletionResult]::new('--workers', '--workers', [CompletionResultType]::ParameterName, 'Worker threads; 0 means one per core [default: 0]')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Name of this server, without a port, which requests may be sent to; may be given several times. A server on a loopback address answers to `localhost` and loopback addresses anyway [default: beyond loopback, any name]')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Origins of web pages that may connect, beside those of the same host: exact ones such as https://example.org, all below a name such as https://*.example.org, `null`, `file://`, or `any`; may be given several times [default: same-host]')
            [CompletionResult]::new('--max-message', '--max-message', [CompletionResultType]::ParameterName, 'Longest message, all fragments together; a longer one is closed with 1009 [default: 16MiB]')
            [CompletionResult]::new('--max-queued', '--max-queued', [CompletionResultType]::ParameterName, 'Bytes that may wait for one slow connection [default: 1MiB]')
            [CompletionResult]::new('--overflow', '--overflow', [CompletionResultType]::ParameterName, 'What happens to a connection for which more waits [default: disconnect]')
            [CompletionResult]::new('--deflate', '--deflate', [CompletionResultType]::ParameterName, 'Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`, which lets messages refer to earlier ones: smaller, for up to 320 KiB a connection [default: on]')
            [CompletionResult]::new('--deflate-level', '--deflate-level', [CompletionResultType]::ParameterName, 'How hard to compress, from 1 (quick) to 9 [default: 2]')
            [CompletionResult]::new('--deflate-window-bits', '--deflate-window-bits', [CompletionResultType]::ParameterName, 'Window of compression, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages, and asked of clients that let us choose [default: 15]')
            [CompletionResult]::new('--deflate-budget', '--deflate-budget', [CompletionResultType]::ParameterName, 'Memory that all connections together may keep for `takeover`; past it, new ones do without [default: 64MiB]')
            [CompletionResult]::new('--deflate-min', '--deflate-min', [CompletionResultType]::ParameterName, 'Shortest message that is compressed [default: 128B]')
            [CompletionResult]::new('--max-connections', '--max-connections', [CompletionResultType]::ParameterName, 'Connections of one worker [default: 1000000]')
            [CompletionResult]::new('--max-connections-per-address', '--max-connections-per-address', [CompletionResultType]::ParameterName, 'Connections of one address (IPv6: /64) and worker; 0 means any number [default: 0]')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Silence after which a connection is asked with a Ping; 0 never asks [default: 30s]')
            [CompletionResult]::new('--pong-timeout', '--pong-timeout', [CompletionResultType]::ParameterName, 'Time for an answer to a Ping [default: 15s]')
            [CompletionResult]::new('--max-head', '--max-head', [CompletionResultType]::ParameterName, 'Longest head of a request [default: 32KiB]')
            [CompletionResult]::new('--max-fields', '--max-fields', [CompletionResultType]::ParameterName, 'Header fields of a request, up to 128 [default: 100]')
            [CompletionResult]::new('--max-target', '--max-target', [CompletionResultType]::ParameterName, 'Longest target of a request: path and query [default: 16KiB]')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Time that an HTTP connection may be idle between two requests; longer than that of a proxy in front [default: 75s]')
            [CompletionResult]::new('--head-timeout', '--head-timeout', [CompletionResultType]::ParameterName, 'Time for the head of a request to arrive [default: 10s]')
            [CompletionResult]::new('--close-timeout', '--close-timeout', [CompletionResultType]::ParameterName, 'Time for the answer to our Close [default: 5s]')
            [CompletionResult]::new('--stall-timeout', '--stall-timeout', [CompletionResultType]::ParameterName, 'Time without progress after which a blocked connection is ended [default: 30s]')
            [CompletionResult]::new('--message-timeout', '--message-timeout', [CompletionResultType]::ParameterName, 'Time for a message to arrive whole; 0 means no bound [default: 5m]')
            [CompletionResult]::new('--memory', '--memory', [CompletionResultType]::ParameterName, 'Memory for unfinished messages and requests and for what waits for slow readers, of all connections; past it the largest holders are closed [default: 256MiB]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'What is logged to stderr: off, error, warn, info, debug or trace [default: info]')
            [CompletionResult]::new('--trace', '--trace', [CompletionResultType]::ParameterName, 'Write all that goes over the connections to this file, secrets too, as a capture that `wirebell inspect` and Wireshark read [default: nothing is written]')
            [CompletionResult]::new('--trace-limit', '--trace-limit', [CompletionResultType]::ParameterName, 'Stop writing it when it has this size; 0 means no limit [default: 1GiB]')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Check the settings, print them as they would be used, and exit')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wirebell;echo' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from this TOML file')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Subprotocol that is confirmed to clients which offer it, of several the one that the client offers first; may be given several times [default: whichever the client offers first]')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Address and port to listen on [default: 127.0.0.1:8080]')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Address and port to listen on [default: 127.0.0.1:8080]')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Worker threads; 0 means one per core [default: 0]')
            [CompletionResult]::new('--workers', '--workers', [CompletionResultType]::ParameterName, 'Worker threads; 0 means one per core [default: 0]')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Name of this server, without a port, which requests may be sent to; may be given several times. A server on a loopback address answers to `localhost` and loopback addresses anyway [default: beyond loopback, any name]')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Origins of web pages that may connect, beside those of the same host: exact ones such as https://example.org, all below a name such as https://*.example.org, `null`, `file://`, or `any`; may be given several times [default: same-host]')
            [CompletionResult]::new('--max-message', '--max-message', [CompletionResultType]::ParameterName, 'Longest message, all fragments together; a longer one is closed with 1009 [default: 16MiB]')
            [CompletionResult]::new('--max-queued', '--max-queued', [CompletionResultType]::ParameterName, 'Bytes that may wait for one slow connection [default: 1MiB]')
            [CompletionResult]::new('--overflow', '--overflow', [CompletionResultType]::ParameterName, 'What happens to a connection for which more waits [default: disconnect]')
            [CompletionResult]::new('--deflate', '--deflate', [CompletionResultType]::ParameterName, 'Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`, which lets messages refer to earlier ones: smaller, for up to 320 KiB a connection [default: on]')
            [CompletionResult]::new('--deflate-level', '--deflate-level', [CompletionResultType]::ParameterName, 'How hard to compress, from 1 (quick) to 9 [default: 2]')
            [CompletionResult]::new('--deflate-window-bits', '--deflate-window-bits', [CompletionResultType]::ParameterName, 'Window of compression, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages, and asked of clients that let us choose [default: 15]')
            [CompletionResult]::new('--deflate-budget', '--deflate-budget', [CompletionResultType]::ParameterName, 'Memory that all connections together may keep for `takeover`; past it, new ones do without [default: 64MiB]')
            [CompletionResult]::new('--deflate-min', '--deflate-min', [CompletionResultType]::ParameterName, 'Shortest message that is compressed [default: 128B]')
            [CompletionResult]::new('--max-connections', '--max-connections', [CompletionResultType]::ParameterName, 'Connections of one worker [default: 1000000]')
            [CompletionResult]::new('--max-connections-per-address', '--max-connections-per-address', [CompletionResultType]::ParameterName, 'Connections of one address (IPv6: /64) and worker; 0 means any number [default: 0]')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Silence after which a connection is asked with a Ping; 0 never asks [default: 30s]')
            [CompletionResult]::new('--pong-timeout', '--pong-timeout', [CompletionResultType]::ParameterName, 'Time for an answer to a Ping [default: 15s]')
            [CompletionResult]::new('--max-head', '--max-head', [CompletionResultType]::ParameterName, 'Longest head of a request [default: 32KiB]')
            [CompletionResult]::new('--max-fields', '--max-fields', [CompletionResultType]::ParameterName, 'Header fields of a request, up to 128 [default: 100]')
            [CompletionResult]::new('--max-target', '--max-target', [CompletionResultType]::ParameterName, 'Longest target of a request: path and query [default: 16KiB]')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Time that an HTTP connection may be idle between two requests; longer than that of a proxy in front [default: 75s]')
            [CompletionResult]::new('--head-timeout', '--head-timeout', [CompletionResultType]::ParameterName, 'Time for the head of a request to arrive [default: 10s]')
            [CompletionResult]::new('--close-timeout', '--close-timeout', [CompletionResultType]::ParameterName, 'Time for the answer to our Close [default: 5s]')
            [CompletionResult]::new('--stall-timeout', '--stall-timeout', [CompletionResultType]::ParameterName, 'Time without progress after which a blocked connection is ended [default: 30s]')
            [CompletionResult]::new('--message-timeout', '--message-timeout', [CompletionResultType]::ParameterName, 'Time for a message to arrive whole; 0 means no bound [default: 5m]')
            [CompletionResult]::new('--memory', '--memory', [CompletionResultType]::ParameterName, 'Memory for unfinished messages and requests and for what waits for slow readers, of all connections; past it the largest holders are closed [default: 256MiB]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'What is logged to stderr: off, error, warn, info, debug or trace [default: info]')
            [CompletionResult]::new('--trace', '--trace', [CompletionResultType]::ParameterName, 'Write all that goes over the connections to this file, secrets too, as a capture that `wirebell inspect` and Wireshark read [default: nothing is written]')
            [CompletionResult]::new('--trace-limit', '--trace-limit', [CompletionResultType]::ParameterName, 'Stop writing it when it has this size; 0 means no limit [default: 1GiB]')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Check the settings, print them as they would be used, and exit')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wirebell;connect' {
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this header field with the handshake; may be given several times')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header field with the handshake; may be given several times')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Offer this subprotocol; may be given several times, the preferred one first')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'Send this Origin, as a page from there would')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Send `Authorization: Basic` with this user and password')
            [CompletionResult]::new('--token', '--token', [CompletionResultType]::ParameterName, 'Send `Authorization: Bearer` with this token')
            [CompletionResult]::new('--binary', '--binary', [CompletionResultType]::ParameterName, 'Send and print binary messages: `hex`, a line of hexadecimal digits for each, or `raw`, bytes as they are [default: text; a binary message that arrives is printed as hex]')
            [CompletionResult]::new('--ping', '--ping', [CompletionResultType]::ParameterName, 'UpgradeRequest the server with a Ping after so many seconds of silence; 0 never asks')
            [CompletionResult]::new('--max-messages', '--max-messages', [CompletionResultType]::ParameterName, 'Close after so many messages have arrived')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Keep receiving for so long after the end of stdin before closing')
            [CompletionResult]::new('--reconnect', '--reconnect', [CompletionResultType]::ParameterName, 'When the connection cannot be opened or is lost, try again, with growing waits; at most N times behind each other, 0 for ever. What stdin says meanwhile is sent later')
            [CompletionResult]::new('--trace', '--trace', [CompletionResultType]::ParameterName, 'Write all that goes over the connection to this file, as a capture that `wirebell inspect` and Wireshark read')
            [CompletionResult]::new('--trace-limit', '--trace-limit', [CompletionResultType]::ParameterName, 'Stop writing it when it has this size; 0 means no limit')
            [CompletionResult]::new('--deflate', '--deflate', [CompletionResultType]::ParameterName, 'Compression to offer: `off`, `on`, or `takeover`, which lets messages refer to earlier ones')
            [CompletionResult]::new('--max-message', '--max-message', [CompletionResultType]::ParameterName, 'Longest message to receive, and longest line to send')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Go through this HTTP proxy: http://[USER:PASS@]HOST[:PORT] [default: as ws_proxy, http_proxy, all_proxy and no_proxy say]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time for the connection and the handshake')
            [CompletionResult]::new('--json-lines', '--json-lines', [CompletionResultType]::ParameterName, 'Send and print each message as a line of JSON: a string is text, `{"base64":"..."}` binary. So messages may hold line breaks')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Do not read stdin: only receive, until the server closes or a signal comes')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Do not read stdin: only receive, until the server closes or a signal comes')
            [CompletionResult]::new('--show-frames', '--show-frames', [CompletionResultType]::ParameterName, 'Print every frame, both ways, on stderr')
            [CompletionResult]::new('--no-proxy', '--no-proxy', [CompletionResultType]::ParameterName, 'Go through no proxy, whatever the environment says')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wirebell;push' {
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'The push server')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'For whom: the user')
            [CompletionResult]::new('--event', '--event', [CompletionResultType]::ParameterName, 'For which event')
            [CompletionResult]::new('--key-file', '--key-file', [CompletionResultType]::ParameterName, 'File with the key that the server asks of publishers; it may also stand in the environment variable WIREBELL_PUSH_KEY')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'Attempts for each message, with growing waits between them')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time for one attempt')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Push each line of stdin as a message of its own, as it comes')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print how many connections each message has reached')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print how many connections each message has reached')
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
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Test a client instead: wait for it here; with port 0, on a free one')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'How long to wait for the client''s next connection [default: for the first one for ever, then 30s]')
            [CompletionResult]::new('--case', '--case', [CompletionResultType]::ParameterName, 'Run only cases with this name, in which * stands for anything; may be given several times')
            [CompletionResult]::new('--skip', '--skip', [CompletionResultType]::ParameterName, 'Leave out cases with this name; may be given several times')
            [CompletionResult]::new('--level', '--level', [CompletionResultType]::ParameterName, 'Run only cases of this level and of stricter ones')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'The lowest level at which a failure counts for the exit status')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to report')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Cases that run at the same time; a client decides that for itself')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Cases that run at the same time; a client decides that for itself')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long an answer may take')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Run the cases even if the server opens no WebSocket or does not echo')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'Print the cases and run nothing; with --listen, those for clients')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show every case and what was said, not only failures')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show every case and what was said, not only failures')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wirebell;inspect' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print it')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'What the input is [default: guessed]')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Who has sent the bytes, for hex and raw [default: guessed from the first frame or head]')
            [CompletionResult]::new('--deflate', '--deflate', [CompletionResultType]::ParameterName, 'What was agreed on about compression, as the server''s answer names it, where the input has no handshake: ''permessage-deflate; server_no_context_takeover''')
            [CompletionResult]::new('--show-bytes', '--show-bytes', [CompletionResultType]::ParameterName, 'Show at most so many bytes of each payload, as text and HTML; JSON has them all')
            [CompletionResult]::new('--max-items', '--max-items', [CompletionResultType]::ParameterName, 'Explain at most so many heads and frames of each side; the others are counted and checked, and those that break a rule are explained, as many again')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file instead of stdout')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wirebell;bench' {
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'What to measure')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'What to measure')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Connections; `handshake`: at most so many open at the same time')
            [CompletionResult]::new('--connections', '--connections', [CompletionResultType]::ParameterName, 'Connections; `handshake`: at most so many open at the same time')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Payload of a message [default: 32B; `fan-out`: 128B]')
            [CompletionResult]::new('--size', '--size', [CompletionResultType]::ParameterName, 'Payload of a message [default: 32B; `fan-out`: 128B]')
            [CompletionResult]::new('--depth', '--depth', [CompletionResultType]::ParameterName, 'Messages in flight on each connection [default: 1; with --rate up to 256 KiB of them]')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Messages (or handshakes, or publications) a second, all connections together [default: a closed loop]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Messages (or handshakes, or publications) a second, all connections together [default: a closed loop]')
            [CompletionResult]::new('--warm-up', '--warm-up', [CompletionResultType]::ParameterName, 'Time under load before the measurement')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Time of the measurement')
            [CompletionResult]::new('--duration', '--duration', [CompletionResultType]::ParameterName, 'Time of the measurement')
            [CompletionResult]::new('--deflate', '--deflate', [CompletionResultType]::ParameterName, 'Compression to offer: `off`, `on`, or `takeover`, which lets messages refer to earlier ones')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Event loops, each on a thread of its own')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Event loops, each on a thread of its own')
            [CompletionResult]::new('--ramp', '--ramp', [CompletionResultType]::ParameterName, 'Connections to open a second [default: one behind the other]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this header field with each handshake, and with each publication over HTTP; may be given several times')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header field with each handshake, and with each publication over HTTP; may be given several times')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Offer this subprotocol; may be given several times, the preferred one first')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Send `Authorization: Basic` with this user and password')
            [CompletionResult]::new('--token', '--token', [CompletionResultType]::ParameterName, 'Send `Authorization: Bearer` with this token')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Measure CPU time, or with `idle` memory, of this process on this machine: the server')
            [CompletionResult]::new('--pid', '--pid', [CompletionResultType]::ParameterName, 'Measure CPU time, or with `idle` memory, of this process on this machine: the server')
            [CompletionResult]::new('--ping', '--ping', [CompletionResultType]::ParameterName, '`idle`: silence after which a connection is asked with a Ping; 0 never asks')
            [CompletionResult]::new('--publishers', '--publishers', [CompletionResultType]::ParameterName, '`fan-out`: publishers, each on a thread of its own')
            [CompletionResult]::new('--subscribe', '--subscribe', [CompletionResultType]::ParameterName, '`fan-out`: what a subscriber sends first; empty for nothing')
            [CompletionResult]::new('--publish-url', '--publish-url', [CompletionResultType]::ParameterName, '`fan-out`: where to publish: http://... for a POST, ws://... for a message [default: /push of the same server]')
            [CompletionResult]::new('--publish', '--publish', [CompletionResultType]::ParameterName, '`fan-out`: what to publish, with the message for {message}')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time for a connection and its handshake, and for answers that are still missing at the end')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to report')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the report to this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the report to this file')
            [CompletionResult]::new('--plot', '--plot', [CompletionResultType]::ParameterName, 'Draw the latencies by percentile into this SVG file')
            [CompletionResult]::new('--text', '--text', [CompletionResultType]::ParameterName, 'Send text instead of binary messages')
            [CompletionResult]::new('--touch', '--touch', [CompletionResultType]::ParameterName, '`idle`: have one message echoed on each connection first')
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
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write all pages into this folder, which is made if there is none')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write all pages into this folder, which is made if there is none')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wirebell;help' {
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run the push server')
            [CompletionResult]::new('echo', 'echo', [CompletionResultType]::ParameterValue, 'Echo every message on every path, for conformance and load tools')
            [CompletionResult]::new('connect', 'connect', [CompletionResultType]::ParameterValue, 'Connect to a server: send lines, print messages')
            [CompletionResult]::new('push', 'push', [CompletionResultType]::ParameterValue, 'Publish to a push server')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Test how well an echo server, or a client, keeps to the RFCs')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Explain captured frames byte by byte')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Load a server and measure it')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print what a shell needs to complete commands and flags')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page, or write them all')
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
        'wirebell;help;verify' {
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
