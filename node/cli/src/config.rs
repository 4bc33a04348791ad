//! The file `config.toml`: what the operator decides.

use std::{collections::BTreeSet, net::SocketAddr, path::Path, str::FromStr};

use anyhow::Context as _;
use net::Address;
use serde::Deserialize;
use types::{AccountId, ChainId};
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
    pub(crate) endpoint: Url,
    /// The registry's account there.
    pub(crate) registry: AccountId,
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
    endpoint: String,
    registry: String,
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
             # endpoint = \"http://127.0.0.1:8545\"\n\
             # registry = \"0x…\"\n",
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
        ChainConfig::new(&self.id, &self.endpoint, &self.registry)
            .map_err(|why| format!("chains: {why}"))
    }
}

impl ChainConfig {
    fn new(id: &str, endpoint: &str, registry: &str) -> Result<Self, String> {
        let id: ChainId = field("id", id)?;
        let endpoint: Url = field("endpoint", endpoint)?;
        if !matches!(endpoint.scheme(), "http" | "https") {
            return Err(format!("endpoint: {endpoint} is not a http or https address"));
        }
        let registry = AccountId::new(&id, registry)
            .map_err(|error| format!("registry: {registry:?}: {error}"))?;
        Ok(Self { id, endpoint, registry })
    }

    /// Its table in the file.
    pub(crate) fn to_text(&self) -> String {
        let (id, registry) = (quote(self.id.as_str()), quote(self.registry.address()));
        let endpoint = quote(self.endpoint.as_str());
        format!("[[chains]]\nid = {id}\nendpoint = {endpoint}\nregistry = {registry}\n")
    }
}

/// `CHAIN=ENDPOINT@REGISTRY`, as the command line has it.
impl FromStr for ChainConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(id, rest)| {
            let (endpoint, registry) = rest.rsplit_once('@')?;
            Some((id, endpoint, registry))
        });
        let (id, endpoint, registry) = parts.ok_or("expected CHAIN=ENDPOINT@REGISTRY")?;
        Self::new(id, endpoint, registry)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHAIN: &str =
        "eip155:31337=http://127.0.0.1:8545@0x00000000000000000000000000000000000000ab";

    fn parse(text: &str) -> Result<Config, String> {
        text.parse()
    }

    #[test]
    fn written_configuration_reads_back() {
        let config = Config {
            listen: vec!["/ip4/0.0.0.0/tcp/4001".parse().expect("an address")],
            bootstrap: vec!["/ip4/192.0.2.7/udp/4001/quic-v1".parse().expect("an address")],
            mdns: false,
            api_addr: "127.0.0.1:1".parse().expect("an address"),
            sync: Sync::Relaxed,
            chains: vec![CHAIN.parse().expect("a chain")],
        };
        assert_eq!(parse(&config.to_text()), Ok(config));
        assert_eq!(parse(&Config::default().to_text()), Ok(Config::default()));
        assert_eq!(parse(""), Ok(Config::default()));
    }

    #[test]
    fn mistakes_are_refused_by_name() {
        let table = |rows: &str| format!("[[chains]]\n{rows}");
        let chain = "id = \"eip155:1\"\nendpoint = \"http://x\"\nregistry = \"0xab\"\n";
        for (text, said) in [
            ("colour = 1", "line 1: unknown field `colour`"),
            ("\nlisten = 1", "line 2"),
            ("listen = [\"nowhere\"]", "listen: \"nowhere\""),
            ("mdns = \"no\"", "line 1"),
            ("api_addr = \"here\"", "api_addr: \"here\""),
            ("sync = \"never\"", "unknown variant `never`"),
            ("listen = [", "line 1"),
            (&table("id = \"eip155:1\""), "missing field `endpoint`"),
            (&table(&chain.replace("eip155:1", "one")), "chains: id: \"one\""),
            (&table(&chain.replace("http", "ftp")), "chains: endpoint"),
            (&table(&chain.replace("http://x", "x")), "chains: endpoint"),
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
        assert_eq!(chain.endpoint.as_str(), "http://127.0.0.1:8545/");
        let with_user: ChainConfig = "eip155:1=https://me:word@host/x@0xab".parse().expect("one");
        assert_eq!(with_user.endpoint.host_str(), Some("host"));
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
