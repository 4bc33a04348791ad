//! The file `config.toml`: what the operator decides.

use std::{collections::BTreeSet, net::SocketAddr, num::NonZeroUsize, path::Path, str::FromStr};

use anyhow::Context as _;
use net::Address;
use serde::Deserialize;
use types::{AccountId, ChainId, Hash};
use url::Url;

/// Longest configuration that is read, in bytes.
const CONFIG_BYTES_MAX: usize = 256 << 10;
/// Where the API listens unless told otherwise.
pub(crate) const API_ADDR: &str = "127.0.0.1:7878";

/// What the operator decides. Absent keys have their defaults, unknown ones are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Where peers reach the node.
    pub(crate) listen: Vec<Address>,
    /// Peers to stay in touch with.
    pub(crate) bootstrap: Vec<Address>,
    /// Whether to look for peers on the local network.
    pub(crate) mdns: bool,
    /// Where the API listens.
    pub(crate) api_addr: SocketAddr,
    /// Whether acknowledged means on disk.
    pub(crate) sync: Sync,
    /// The registries that this node knows.
    pub(crate) chains: Vec<ChainConfig>,
}

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sync {
    /// Once it is on disk.
    #[default]
    Always,
    /// Once the operating system has it.
    Relaxed,
}

/// One registry on one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainConfig {
    /// Which chain.
    pub(crate) id: ChainId,
    /// Who answers for it.
    pub(crate) endpoints: Vec<Url>,
    /// How many of them must agree.
    pub(crate) needed: NonZeroUsize,
    /// The registry's account there.
    pub(crate) registry: AccountId,
    /// On Ethereum: a light client, so that nothing is taken on the endpoints' word.
    pub(crate) light_client: Option<LightClientConfig>,
    /// On NEAR: the block from which a light client follows the validators.
    pub(crate) trusted_block: Option<Hash>,
    /// On Starknet: the configured chain whose endpoints prove what is final.
    pub(crate) l1: Option<ChainId>,
    /// Whether it is a Starknet for development: none of its blocks has a hash that follows from
    /// its content, and what is in a block is final.
    pub(crate) development: bool,
}

/// Where a light client reads, and what it trusts at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LightClientConfig {
    /// A beacon node's HTTP interface.
    pub(crate) beacon: Url,
    /// The root of a recent finalized beacon block, from a source that the operator trusts.
    pub(crate) checkpoint: Hash,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    listen: Vec<String>,
    #[serde(default)]
    bootstrap: Vec<String>,
    #[serde(default = "yes")]
    mdns: bool,
    api_addr: Option<String>,
    #[serde(default)]
    sync: Sync,
    #[serde(default)]
    chains: Vec<RawChain>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChain {
    id: String,
    endpoints: Vec<String>,
    needed: Option<usize>,
    registry: String,
    beacon: Option<String>,
    checkpoint: Option<String>,
    trusted_block: Option<String>,
    l1: Option<String>,
    #[serde(default)]
    development: bool,
}

const fn yes() -> bool {
    true
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            bootstrap: Vec::new(),
            mdns: true,
            api_addr: SocketAddr::from(([127, 0, 0, 1], 7878)),
            sync: Sync::Always,
            chains: Vec::new(),
        }
    }
}

impl Config {
    /// Reads `path`.
    ///
    /// # Errors
    /// Naming the file and the key.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let folder = path.parent().unwrap_or(path).display();
                anyhow::bail!("there is no node in {folder}; make one with `anchorhold init`");
            }
            read => read.with_context(|| format!("cannot read {shown}"))?,
        };
        text.parse().map_err(|why| anyhow::anyhow!("{shown}: {why}"))
    }

    /// The file for this configuration, with a word about each key.
    pub(crate) fn to_text(&self) -> String {
        let list = |addresses: &[Address]| {
            let quoted = addresses.iter().map(|address| quote(&address.to_string()));
            quoted.collect::<Vec<_>>().join(", ")
        };
        let sync = match self.sync {
            Sync::Always => "always",
            Sync::Relaxed => "relaxed",
        };
        let mut text = format!(
            "{HEAD}\
             # Where peers reach this node. Port 0 takes a free one at each start: then links of\n\
             # invitations made before no longer lead here.\n\
             listen = [{listen}]\n\n\
             # Peers to stay in touch with, as multiaddresses.\n\
             bootstrap = [{bootstrap}]\n\n\
             # Look for peers on the local network.\n\
             mdns = {mdns}\n\n\
             # Where the HTTP API listens. Whoever holds the token may use it: keep it local.\n\
             api_addr = {api_addr}\n\n\
             # When a write is acknowledged: \"always\" once it is on disk; \"relaxed\" once the\n\
             # operating system has it, which the loss of power can undo.\n\
             sync = {sync}\n\n\
             # Registries on chains, one table each:\n\
             # [[chains]]\n\
             # id = \"eip155:31337\"\n\
             # endpoints = [\"http://127.0.0.1:8545\"]\n\
             # needed = 1            # how many of them must agree; a majority by default\n\
             # registry = \"0x…\"\n\
             # beacon = \"…\"          # a beacon node, for a light client,\n\
             # checkpoint = \"0x…\"    # which starts from this finalized block root\n\
             # trusted_block = \"…\"   # on NEAR: a light client starts from this final block\n\
             # l1 = \"eip155:1\"       # on Starknet: the chain above that proves what is final\n\
             # development = true    # a Starknet for development, which has none above\n",
            listen = list(&self.listen),
            bootstrap = list(&self.bootstrap),
            mdns = self.mdns,
            api_addr = quote(&self.api_addr.to_string()),
            sync = quote(sync),
        );
        for chain in &self.chains {
            text.push('\n');
            text.push_str(&chain.to_text());
        }
        text
    }
}

const HEAD: &str = "# What the operator of this node decides. Read at its start.\n\n";

/// As a TOML string; what stands here has no control characters.
fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl FromStr for Config {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > CONFIG_BYTES_MAX {
            return Err(format!("longer than {CONFIG_BYTES_MAX} bytes"));
        }
        let raw: Raw = toml::from_str(text).map_err(|error| explain(&error, text))?;
        let api_addr = raw.api_addr.as_deref().unwrap_or(API_ADDR);
        let config = Self {
            listen: addresses("listen", &raw.listen)?,
            bootstrap: addresses("bootstrap", &raw.bootstrap)?,
            mdns: raw.mdns,
            api_addr: field("api_addr", api_addr)?,
            sync: raw.sync,
            chains: raw.chains.iter().map(RawChain::check).collect::<Result<_, _>>()?,
        };
        let mut ids = BTreeSet::new();
        match config.chains.iter().find(|chain| !ids.insert(&chain.id)) {
            Some(twice) => Err(format!("chains: {} stands there twice", twice.id)),
            None => Ok(config),
        }
    }
}

fn explain(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    format!("line {line}: {message}")
}

fn addresses(key: &str, texts: &[String]) -> Result<Vec<Address>, String> {
    texts.iter().map(|text| field(key, text)).collect()
}

fn field<T: FromStr<Err: std::fmt::Display>>(key: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{key}: {text:?}: {error}"))
}

impl RawChain {
    fn check(&self) -> Result<ChainConfig, String> {
        let endpoints: Vec<&str> = self.endpoints.iter().map(String::as_str).collect();
        let chain = ChainConfig::new(&self.id, &endpoints, &self.registry);
        let chain = chain.and_then(|chain| chain.with_needed(self.needed));
        let chain = chain.and_then(|chain| self.check_kind(chain));
        chain.map_err(|why| format!("chains: {why}"))
    }

    /// What only one kind of chain has.
    fn check_kind(&self, chain: ChainConfig) -> Result<ChainConfig, String> {
        let kind = chain.id.namespace().to_owned();
        for (key, is_given, of) in [
            ("beacon", self.beacon.is_some(), "eip155"),
            ("checkpoint", self.checkpoint.is_some(), "eip155"),
            ("trusted_block", self.trusted_block.is_some(), "near"),
            ("l1", self.l1.is_some(), "starknet"),
            ("development", self.development, "starknet"),
        ] {
            if is_given && kind != of {
                return Err(format!("{key}: only chains of {of} have it, not {}", chain.id));
            }
        }
        if self.l1.is_some() && self.development {
            return Err("l1, development: no chain is above one for development".to_owned());
        }
        let light_client = light_client(self.beacon.as_deref(), self.checkpoint.as_deref())?;
        let block = |text: &str| {
            text.parse().map(|hash: near::CryptoHash| Hash::from_bytes(*hash.as_bytes()))
        };
        let bad = |error: near::Malformed| format!("trusted_block: {error}");
        let trusted_block = self.trusted_block.as_deref().map(block).transpose().map_err(bad)?;
        let l1 = self.l1.as_deref().map(|id| field("l1", id)).transpose()?;
        let development = self.development;
        Ok(ChainConfig { light_client, trusted_block, l1, development, ..chain })
    }
}

fn light_client(
    beacon: Option<&str>,
    checkpoint: Option<&str>,
) -> Result<Option<LightClientConfig>, String> {
    let (beacon, checkpoint) = match (beacon, checkpoint) {
        (None, None) => return Ok(None),
        (Some(beacon), Some(checkpoint)) => (beacon, checkpoint),
        _ => return Err("beacon, checkpoint: one goes with the other".to_owned()),
    };
    let digits = checkpoint.strip_prefix("0x").unwrap_or(checkpoint);
    let beacon = address("beacon", beacon, &["http", "https"])?;
    Ok(Some(LightClientConfig { beacon, checkpoint: field("checkpoint", digits)? }))
}

/// A URL of one of these schemes.
fn address(key: &str, text: &str, schemes: &[&str]) -> Result<Url, String> {
    let url: Url = field(key, text)?;
    if schemes.contains(&url.scheme()) {
        return Ok(url);
    }
    Err(format!("{key}: {url} is no {} address", schemes.join(" or ")))
}

impl ChainConfig {
    fn new(id: &str, endpoints: &[&str], registry: &str) -> Result<Self, String> {
        let id: ChainId = field("id", id)?;
        let schemes = ["http", "https", "ws", "wss"];
        let endpoints: Vec<Url> = endpoints
            .iter()
            .map(|endpoint| address("endpoints", endpoint, &schemes))
            .collect::<Result<_, _>>()?;
        let registry = AccountId::new(&id, registry)
            .map_err(|error| format!("registry: {registry:?}: {error}"))?;
        if endpoints.is_empty() {
            return Err("endpoints: there is none".to_owned());
        }
        let needed = majority(endpoints.len());
        Ok(Self::bare(id, endpoints, needed, registry))
    }

    /// With one endpoint.
    pub(crate) fn one(id: ChainId, endpoint: Url, registry: AccountId) -> Self {
        Self::bare(id, vec![endpoint], NonZeroUsize::MIN, registry)
    }

    const fn bare(
        id: ChainId,
        endpoints: Vec<Url>,
        needed: NonZeroUsize,
        registry: AccountId,
    ) -> Self {
        let (light_client, trusted_block, l1) = (None, None, None);
        Self {
            id,
            endpoints,
            needed,
            registry,
            light_client,
            trusted_block,
            l1,
            development: false,
        }
    }

    /// With these endpoints, a majority of which must agree.
    ///
    /// # Errors
    /// If there is no endpoint, or the registry is none of the chain.
    pub(crate) fn of(id: &ChainId, endpoints: &[Url], registry: &str) -> Result<Self, String> {
        let endpoints: Vec<&str> = endpoints.iter().map(Url::as_str).collect();
        Self::new(id.as_str(), &endpoints, registry)
    }

    /// So many must agree, unless `None`: then a majority.
    fn with_needed(self, needed: Option<usize>) -> Result<Self, String> {
        let Some(needed) = needed else { return Ok(self) };
        let count = self.endpoints.len();
        let legal = NonZeroUsize::new(needed).filter(|needed| needed.get() <= count);
        let needed = legal.ok_or(format!("needed: {needed} of {count} endpoints cannot agree"))?;
        Ok(Self { needed, ..self })
    }

    /// Its table in the file.
    pub(crate) fn to_text(&self) -> String {
        let (id, registry) = (quote(self.id.as_str()), quote(self.registry.address()));
        let endpoints: Vec<String> = self.endpoints.iter().map(|url| quote(url.as_str())).collect();
        let (endpoints, needed) = (endpoints.join(", "), self.needed);
        let mut text = format!(
            "[[chains]]\nid = {id}\nendpoints = [{endpoints}]\nneeded = {needed}\n\
             registry = {registry}\n"
        );
        if let Some(LightClientConfig { beacon, checkpoint }) = &self.light_client {
            let beacon = quote(beacon.as_str());
            text.push_str(&format!("beacon = {beacon}\ncheckpoint = \"0x{checkpoint}\"\n"));
        }
        if let Some(block) = &self.trusted_block {
            let block = near::CryptoHash::from_bytes(*block.as_bytes());
            text.push_str(&format!("trusted_block = \"{block}\"\n"));
        }
        if let Some(l1) = &self.l1 {
            text.push_str(&format!("l1 = {}\n", quote(l1.as_str())));
        }
        if self.development {
            text.push_str("development = true\n");
        }
        text
    }
}

/// More than half.
fn majority(count: usize) -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(count / 2)
}

/// `CHAIN=ENDPOINT,…@REGISTRY`, as the command line has it.
impl FromStr for ChainConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(id, rest)| {
            let (endpoints, registry) = rest.rsplit_once('@')?;
            Some((id, endpoints, registry))
        });
        let (id, endpoints, registry) = parts.ok_or("expected CHAIN=ENDPOINT,…@REGISTRY")?;
        let endpoints: Vec<&str> = endpoints.split(',').collect();
        Self::new(id, &endpoints, registry)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHAIN: &str =
        "eip155:31337=http://127.0.0.1:8545@0x00000000000000000000000000000000000000ab";
    const TWO: &str = "eip155:1=https://a,wss://b/x@0x00000000000000000000000000000000000000ab";

    fn parse(text: &str) -> Result<Config, String> {
        text.parse()
    }

    fn with_light_client() -> ChainConfig {
        let beacon = "http://c/".parse().expect("a URL");
        let light_client = LightClientConfig { beacon, checkpoint: Hash::from_bytes([7; 32]) };
        let chain: ChainConfig = TWO.parse().expect("a chain");
        ChainConfig { light_client: Some(light_client), needed: NonZeroUsize::MIN, ..chain }
    }

    #[test]
    fn written_configuration_reads_back() {
        let config = Config {
            listen: vec!["/ip4/0.0.0.0/tcp/4001".parse().expect("an address")],
            bootstrap: vec!["/ip4/192.0.2.7/udp/4001/quic-v1".parse().expect("an address")],
            mdns: false,
            api_addr: "127.0.0.1:1".parse().expect("an address"),
            sync: Sync::Relaxed,
            chains: vec![CHAIN.parse().expect("a chain"), with_light_client()],
        };
        assert_eq!(parse(&config.to_text()), Ok(config));
        assert_eq!(parse(&Config::default().to_text()), Ok(Config::default()));
        assert_eq!(parse(""), Ok(Config::default()));
    }

    #[test]
    fn mistakes_are_refused_by_name() {
        let table = |rows: &str| format!("[[chains]]\n{rows}");
        let chain = "id = \"eip155:1\"\nendpoints = [\"http://x\"]\nregistry = \"0xab\"\n";
        for (text, said) in [
            ("colour = 1", "line 1: unknown field `colour`"),
            ("\nlisten = 1", "line 2"),
            ("listen = [\"nowhere\"]", "listen: \"nowhere\""),
            ("mdns = \"no\"", "line 1"),
            ("api_addr = \"here\"", "api_addr: \"here\""),
            ("sync = \"never\"", "unknown variant `never`"),
            ("listen = [", "line 1"),
            (&table("id = \"eip155:1\""), "missing field `endpoints`"),
            (&table(&chain.replace("eip155:1", "one")), "chains: id: \"one\""),
            (&table(&chain.replace("http", "ftp")), "chains: endpoint"),
            (&table(&chain.replace("http://x", "x")), "chains: endpoint"),
            (&table(&chain.replace("\"http://x\"", "")), "chains: endpoints: there is none"),
            (&table(&format!("{chain}needed = 0")), "0 of 1 endpoints"),
            (&table(&format!("{chain}needed = 2")), "2 of 1 endpoints"),
            (&table(&format!("{chain}beacon = \"http://y\"")), "one goes with the other"),
            (&table(&format!("{chain}beacon = \"y\"\ncheckpoint = \"00\"")), "chains: beacon"),
            (&table(&chain.replace("0xab", "")), "chains: registry"),
            (&table(&format!("{chain}port = 1")), "unknown field `port`"),
            (&format!("{0}{0}", table(chain)), "eip155:1 stands there twice"),
        ] {
            let why = parse(text).expect_err(text);
            assert!(why.contains(said), "{text}: {why}");
            assert!(!why.contains('\n'), "{why}");
        }
    }

    #[test]
    fn chain_flags_have_three_parts() {
        let chain: ChainConfig = CHAIN.parse().expect("a chain");
        assert_eq!(chain.id.as_str(), "eip155:31337");
        assert_eq!(
            (chain.endpoints[0].as_str(), chain.needed.get()),
            ("http://127.0.0.1:8545/", 1)
        );
        let two: ChainConfig = TWO.parse().expect("a chain");
        assert_eq!((two.endpoints.len(), two.needed.get()), (2, 2));
        let with_user: ChainConfig = "eip155:1=https://me:word@host/x@0xab".parse().expect("one");
        assert_eq!(with_user.endpoints[0].host_str(), Some("host"));
        for bad in ["", "eip155:1", "eip155:1=http://x", "eip155:1=x@0xab", "one=http://x@0xab"] {
            assert!(bad.parse::<ChainConfig>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_configuration_or_one_line(text in "\\PC*|[a-z_\\[\\]=\"0-9\n ]*") {
            if let Err(why) = parse(&text) {
                prop_assert!(!why.contains('\n'));
            }
            drop(text.parse::<ChainConfig>());
        }
    }
}
