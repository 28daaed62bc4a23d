//! Figures for Prometheus, read off a node when somebody asks.

use core::convert::Infallible;
use core::sync::atomic::{AtomicI64, AtomicU64};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::net::TcpListener;

use crate::config::name_of;
use crate::node::Node;

/// What an answer holds.
const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How long a client may take to ask.
const ASK_WITHIN: Duration = Duration::from_secs(10);

/// Labels of a figure, by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Labels(Vec<(&'static str, String)>);

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), core::fmt::Error> {
        self.0.encode(encoder)
    }
}

type Whole = Family<Labels, Gauge<i64, AtomicI64>>;
type Fraction = Family<Labels, Gauge<f64, AtomicU64>>;

/// Answers at `/metrics` until it is dropped.
///
/// # Errors
/// What the system says about the listener.
pub(crate) async fn answer(node: Arc<Node>, listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let node = Arc::clone(&node);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = tokio::task::block_in_place(|| told(&node, &request));
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(ASK_WITHIN)
                .serve_connection(TokioIo::new(stream), service);
            // A client that goes away wants nothing more.
            let _ = connection.await;
        });
    }
}

fn told<B>(node: &Node, request: &Request<B>) -> Response<Full<bytes::Bytes>> {
    let refused = |status: StatusCode| {
        let mut response = Response::new(Full::default());
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return refused(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::GET {
        return refused(StatusCode::METHOD_NOT_ALLOWED);
    }
    match text(node) {
        Ok(text) => {
            let mut response = Response::new(Full::from(text));
            response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(CONTENT));
            response
        }
        Err(_) => refused(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// All figures of a node.
fn text(node: &Node) -> Result<String, core::fmt::Error> {
    let mut registry = Registry::with_prefix("switchback");
    of_vault(node, &mut registry);
    of_agents(node, &mut registry);
    of_process_server(node, &mut registry);
    of_targets(node, &mut registry);
    of_links(node, &mut registry);
    of_stores(node, &mut registry);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn whole(registry: &mut Registry, name: &str, help: &str) -> Whole {
    let family = Whole::default();
    registry.register(name, help, family.clone());
    family
}

fn set(family: &Whole, labels: Vec<(&'static str, String)>, value: u64) {
    family.get_or_create(&Labels(labels)).set(i64::try_from(value).unwrap_or(i64::MAX));
}

fn of_vault(node: &Node, registry: &mut Registry) {
    let Some(status) = node.status() else { return };
    let lags = Fraction::default();
    registry.register_with_unit(
        "rpo",
        "Age of the newest recovery point of a machine",
        Unit::Seconds,
        lags.clone(),
    );
    let states = whole(registry, "item_state", "1 for the state that a protected machine is in");
    for item in &status.items {
        let machine = ("machine", item.machine.to_string());
        set(&states, vec![machine.clone(), ("state", item.state.clone())], 1);
        if let Some(lag) = item.rpo_ms {
            lags.get_or_create(&Labels(vec![machine])).set(lag as f64 / 1000.0);
        }
    }
    let jobs = whole(registry, "jobs", "Jobs of the vault, by how they are");
    for state in status.jobs.iter().map(|job| &job.state).collect::<std::collections::BTreeSet<_>>() {
        let count = status.jobs.iter().filter(|job| job.state == *state).count();
        set(&jobs, vec![("state", state.clone())], count as u64);
    }
}

fn of_agents(node: &Node, registry: &mut Registry) {
    let pools = whole(registry, "agent_backlog_bytes", "What was captured and is not kept elsewhere yet");
    let writes = whole(registry, "agent_writes", "The number of the newest write that was captured");
    let orders = whole(registry, "agent_write_order", "1 for how faithfully the order of writes is kept");
    for (machine, seat) in node.agents() {
        let labels = || vec![("machine", machine.0.to_string())];
        let (pool, written, order) =
            seat.look(|agent| (agent.pool_used(), agent.writes_captured(), agent.write_order()));
        set(&pools, labels(), pool);
        set(&writes, labels(), written);
        set(&orders, labels().into_iter().chain([("order", format!("{order:?}"))]).collect(), 1);
    }
}

fn of_process_server(node: &Node, registry: &mut Registry) {
    let Some((number, seat)) = node.process_server() else { return };
    let (cached, throttles) = seat.look(|server| (server.cached_bytes(), server.is_throttling()));
    let labels = || vec![("number", number.to_string())];
    set(
        &whole(registry, "process_server_cached_bytes", "Frames that the target does not have yet"),
        labels(),
        cached,
    );
    let throttling =
        whole(registry, "process_server_throttling", "1 while the cache is full and nothing is taken");
    set(&throttling, labels(), u64::from(throttles));
}

fn of_targets(node: &Node, registry: &mut Registry) {
    let points = whole(registry, "recovery_points", "Recovery points of a group that are kept");
    let bytes = whole(registry, "journal_bytes", "Payload in a group's journal that something needs");
    let index =
        whole(registry, "journal_index_bytes", "What the index of a group's journal weighs in memory");
    for seat in node.targets() {
        for (group, stats) in seat.look(|target| {
            target.journals().map(|(group, journal)| (group, journal.stats())).collect::<Vec<_>>()
        }) {
            let labels = || vec![("group", group.0.to_string())];
            set(&points, labels(), stats.points);
            set(&bytes, labels(), stats.live_bytes);
            set(&index, labels(), stats.index_bytes);
        }
    }
}

fn of_links(node: &Node, registry: &mut Registry) {
    let queued = whole(registry, "link_queued_bytes", "What waits to be sent to a role of another node");
    let lost = whole(registry, "link_lost_letters", "What was not sent because too much waited");
    let refused = whole(
        registry,
        "link_refused",
        "1 while a node is not spoken with for its version or its certificate, or does not speak with this one",
    );
    for (address, load) in node.load() {
        let labels = || vec![("to", name_of(address))];
        set(&queued, labels(), load.queued_bytes);
        set(&lost, labels(), load.lost);
        set(&refused, labels(), u64::from(load.is_refused));
    }
}

fn of_stores(node: &Node, registry: &mut Registry) {
    let failing = whole(
        registry,
        "store_failing",
        "1 while what a role must not forget cannot be written down, and nothing is acknowledged",
    );
    let failed = whole(registry, "store_failed_syncs", "How often that was so since the node began");
    for (address, (times, is_failing)) in node.stores() {
        let labels = || vec![("role", name_of(address))];
        set(&failing, labels(), u64::from(is_failing));
        set(&failed, labels(), times);
    }
}
