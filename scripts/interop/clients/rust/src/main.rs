//! Uses a bridge with rmcp, as scripts/interop/matrix.mjs says.
//!
//! usage: interop-rmcp PLAN

use rmcp::model::{
    CallToolRequestParams, JsonObject, ProgressNotificationParam, ReadResourceRequestParams, ResourceContents,
};
use rmcp::service::{NotificationContext, Peer, RoleClient, RunningService};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientHandler, ServiceExt};
use serde_json::{Value, json};
use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::mpsc;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Counts the reports of progress. rmcp asks for them with each request.
#[derive(Clone, Default)]
struct Reports(Arc<AtomicUsize>);

impl ClientHandler for Reports {
    async fn on_progress(&self, _: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let plan: Value = serde_json::from_str(&std::env::args().nth(1).ok_or("no plan")?)?;
    let reports = Reports::default();
    let service = connect(&plan, reports.clone()).await?;
    let peer = service.peer().clone();
    let tool = |name: &str| plan[name].as_str().unwrap_or_default().to_owned();
    let mut lines = lines();

    let info = peer.peer_info().ok_or("not connected")?;
    report("connect", Ok(serde_json::to_value(&info.protocol_version)?));
    report("list", names(&peer).await);
    report("call", call(&peer, tool("call"), json!({ "name": "Ada" })).await);
    let failure = match call(&peer, tool("failure"), json!({})).await {
        Err(error) => json!({ "text": error.to_string(), "error": true }),
        Ok(value) => value,
    };
    report("failure", Ok(failure));
    report("structured", call(&peer, tool("structured"), json!({})).await.map(|mut answer| answer["structured"].take()));
    report("picture", call(&peer, tool("picture"), json!({})).await.map(|mut answer| answer["pictures"].take()));
    report("file", file(&peer, tool("file")).await);
    reports.0.store(0, Ordering::SeqCst);
    let read = call(&peer, tool("progress"), json!({})).await;
    report("progress", read.map(|_| json!(reports.0.load(Ordering::SeqCst))));

    let waiting = call(&peer, tool("wait"), json!({}));
    // A line says that the call has reached Dify. Dropping the call cancels it.
    let cancelled = tokio::select! {
        ended = waiting => Err(format!("ended early: {ended:?}").into()),
        _ = lines.recv() => Ok(json!("cancelled")),
    };
    report("cancel", cancelled);
    // The next line says that the driver has seen enough, and has restarted the bridge.
    lines.recv().await;
    if plan["restarts"] == true {
        let again = call(&peer, tool("call"), json!({ "name": "Ada" }));
        report("restart", tokio::time::timeout(Duration::from_secs(30), again).await.unwrap_or_else(|late| Err(late.into())));
    }
    service.cancel().await?;
    std::process::exit(0)
}

async fn connect(plan: &Value, handler: Reports) -> Outcome<RunningService<RoleClient, Reports>> {
    if let Some(url) = plan["url"].as_str() {
        return Ok(handler.serve(StreamableHttpClientTransport::from_uri(url)).await?);
    }
    let mut command = Command::new(plan["command"].as_str().unwrap_or_default());
    for argument in plan["args"].as_array().into_iter().flatten() {
        command.arg(argument.as_str().unwrap_or_default());
    }
    command.env_clear();
    for (name, value) in plan["env"].as_object().into_iter().flatten() {
        command.env(name, value.as_str().unwrap_or_default());
    }
    Ok(handler.serve(TokioChildProcess::new(command)?).await?)
}

/// Lines of standard input, read by a thread.
fn lines() -> mpsc::UnboundedReceiver<()> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines() {
            let _ = sender.send(());
        }
    });
    receiver
}

async fn names(peer: &Peer<RoleClient>) -> Outcome<Value> {
    let tools = peer.list_all_tools().await?;
    Ok(tools.iter().map(|tool| json!(tool.name)).collect())
}

fn call(peer: &Peer<RoleClient>, name: String, arguments: Value) -> impl Future<Output = Outcome<Value>> {
    let arguments: JsonObject = arguments.as_object().cloned().unwrap_or_default();
    async move {
        let result = peer.call_tool(CallToolRequestParams::new(name).with_arguments(arguments)).await?;
        let text: Vec<&str> = result.content.iter().filter_map(|block| Some(block.as_text()?.text.as_str())).collect();
        let pictures: Vec<&str> =
            result.content.iter().filter_map(|block| Some(block.as_image()?.data.as_str())).collect();
        Ok(json!({
            "text": text.join("\n"),
            "error": result.is_error.unwrap_or(false),
            "structured": result.structured_content,
            "pictures": pictures,
        }))
    }
}

async fn file(peer: &Peer<RoleClient>, tool: String) -> Outcome<Value> {
    let answer = call(peer, tool, json!({})).await?;
    let text = answer["text"].as_str().unwrap_or_default();
    let uri = text.split(|one: char| one.is_whitespace() || one == '"').find(|word| word.starts_with("dify-file://"));
    let read = peer.read_resource(ReadResourceRequestParams::new(uri.ok_or("no address in the text")?)).await?;
    match read.contents.first() {
        Some(ResourceContents::BlobResourceContents { blob, .. }) => Ok(json!(blob)),
        other => Err(format!("the content is {other:?}").into()),
    }
}

fn report(step: &str, outcome: Outcome<Value>) {
    match outcome {
        Ok(value) => println!("{}", json!({ "step": step, "value": value })),
        Err(error) => println!("{}", json!({ "step": step, "thrown": error.to_string() })),
    }
}
