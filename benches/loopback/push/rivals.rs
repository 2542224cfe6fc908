//! Other programs that do the same: nginx with nchan, mosquitto, nats-server, as Debian has them.
//!
//! One thread each, as far as they can: nginx without a master process, Go on one processor. What
//! a log of theirs would cost is not counted. nchan keeps 100 messages, as Wirebell does; the
//! other two keep none.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use crate::args::Cpus;
use crate::push::wires::Wire;
use crate::server::{Server, free_address};

#[derive(Clone, Copy, Debug)]
pub enum Rival {
    Nchan,
    Mosquitto,
    Nats,
}

/// Where Debian puts a module of nginx, and others do not.
const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// Those that are here; says which are not.
pub fn installed() -> Vec<Rival> {
    let (here, missing): (Vec<_>, Vec<_>) = [Rival::Nchan, Rival::Mosquitto, Rival::Nats]
        .into_iter()
        .partition(|rival| rival.program().is_some());
    for rival in missing {
        println!("without {}: the package is not installed", rival.name());
    }
    here
}

impl Rival {
    pub fn name(self) -> &'static str {
        match self {
            Self::Nchan => "nchan, WebSocket",
            Self::Mosquitto => "mosquitto, MQTT",
            Self::Nats => "nats-server, WebSocket",
        }
    }

    pub fn wire(self) -> Wire {
        match self {
            Self::Nchan => Wire::Nchan,
            Self::Mosquitto => Wire::Mqtt,
            Self::Nats => Wire::Nats,
        }
    }

    fn program(self) -> Option<PathBuf> {
        let name = match self {
            Self::Nchan => "nginx",
            Self::Mosquitto => "mosquitto",
            Self::Nats => "nats-server",
        };
        let path = env::var_os("PATH").unwrap_or_default();
        let mut folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
        let program = folders.find_map(|folder| Some(folder.join(name)).filter(|it| it.is_file()));
        let is_whole = !matches!(self, Self::Nchan) || Path::new(NCHAN).is_file();
        program.filter(|_| is_whole)
    }

    /// Starts it on a free port of 127.0.0.1, with a folder that is removed when it is dropped.
    pub fn start(self, cpus: Option<Cpus>) -> io::Result<Server> {
        let program = self.program().ok_or(io::ErrorKind::NotFound)?;
        let address = free_address()?;
        let name = format!("wirebell-{}-{}", process::id(), address.port());
        let scratch = env::temp_dir().join(name);
        fs::create_dir(&scratch)?;
        let file = scratch.join("conf");
        fs::write(&file, self.settings(address.port(), &scratch))?;
        let mut line = vec![program.into(), "-c".into(), file.into_os_string()];
        if matches!(self, Self::Nchan) {
            line.extend(["-e".into(), scratch.join("log").into()]);
        }
        let server = Server::launch(address, line, cpus);
        match server {
            Ok(mut server) => {
                server.scratch = Some(scratch);
                Ok(server)
            }
            Err(error) => {
                let _ = fs::remove_dir_all(&scratch);
                Err(error)
            }
        }
    }

    fn settings(self, port: u16, scratch: &Path) -> String {
        let scratch = scratch.display();
        match self {
            Self::Nchan => format!(
                "load_module {NCHAN};
                daemon off; master_process off; pid {scratch}/pid; error_log {scratch}/log crit;
                events {{ worker_connections 16384; }}
                http {{
                    access_log off; tcp_nodelay on;
                    keepalive_requests 1000000000; keepalive_timeout 1h;
                    nchan_max_reserved_memory 256M;
                    client_body_temp_path {scratch}/body; proxy_temp_path {scratch}/proxy;
                    fastcgi_temp_path {scratch}/fastcgi; uwsgi_temp_path {scratch}/uwsgi;
                    scgi_temp_path {scratch}/scgi;
                    server {{
                        listen 127.0.0.1:{port} backlog=4096;
                        location ~ ^/pub/(\\w+)$ {{
                            nchan_publisher http; nchan_channel_id $1;
                            nchan_message_buffer_length 100; nchan_message_timeout 12h;
                        }}
                        location ~ ^/sub/(\\w+)$ {{
                            nchan_subscriber websocket; nchan_channel_id $1;
                            nchan_subscriber_first_message newest;
                        }}
                    }}
                }}"
            ),
            Self::Mosquitto => format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\npersistence false\n\
                 set_tcp_nodelay true\nlog_dest none\nsys_interval 0\n"
            ),
            Self::Nats => format!(
                "listen: \"127.0.0.1:-1\"\nping_interval: \"1h\"\nlog_file: \"{scratch}/log\"\n\
                 websocket {{ host: \"127.0.0.1\", port: {port}, no_tls: true }}\n"
            ),
        }
    }
}
