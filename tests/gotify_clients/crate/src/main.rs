//! A client of gotify for Rust. Arguments: URL, token of an application, token of a client.
//!
//! Output: an error, if something is not as the client expects it.

use futures_util::StreamExt as _;
use gotify::{AppClient, ClientClient};
use std::error::Error;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, application, client] = &arguments[..] else {
        return Err("arguments: URL APPLICATION CLIENT".into());
    };
    let application: AppClient = gotify::Client::new(url.as_str(), application)?;
    let client: ClientClient = gotify::Client::new(url.as_str(), client)?;
    assert_eq!(client.health().await?.health, "green");
    let mut stream = client.stream_messages().await?;
    let sent = application
        .create_message("from Rust")
        .with_title("t")
        .with_priority(3)
        .await?;
    let come = tokio::time::timeout(Duration::from_secs(20), stream.next()).await?;
    let come = come.ok_or("the stream ends")??;
    assert_eq!((come.id, come.date), (sent.id, sent.date));
    assert_eq!(client.get_messages().await?.messages[0].id, sent.id);
    client.delete_message(sent.id).await?;
    assert!(client.delete_message(sent.id).await.is_err());
    let made = client.create_application("rust").await?;
    client.delete_application(made.id).await?;
    let other = client.create_client("other").await?;
    let mut clients = client.get_clients().await?.into_iter();
    assert!(clients.any(|it| it.token == other.token));
    client.delete_client(other.id).await?;
    assert_eq!(client.get_current_user().await?.name, "admin");
    assert!(client.get_plugins().await?.is_empty());
    Ok(())
}
