//! Starts a development chain of Starknet for one test, and ends it with the test.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use starknet_rs::{
    accounts::{Account, ExecutionEncoding, ExecutionV3, SingleOwnerAccount},
    core::{
        types::{
            BlockId, BlockTag, Call, ExecutionResult, Felt, FunctionCall, InvokeTransactionReceipt,
            TransactionReceipt, contract::SierraClass,
        },
        utils::{get_contract_address, get_selector_from_name},
    },
    providers::{JsonRpcClient, Provider as _, Url, jsonrpc::HttpTransport},
    signers::{LocalWallet, SigningKey},
};

/// Deploys what it is asked to; devnet carries it.
const UDC: Felt =
    Felt::from_hex_unchecked("0x02ceed65a4bd731034c01113685c831b01c15d7d432f71afb1cf1634b53a2125");
/// Who plays in the traces, 69 names, and one who deploys.
const ACCOUNTS: usize = 80;
/// More than any step takes, so that no fee has to be estimated.
const L2_GAS: u64 = 800_000_000;
const DATA_GAS: u64 = 100_000;
/// Ten times devnet's prices, in the chain's smallest coin.
const GAS_PRICE: u128 = 10_000_000_000;
/// Of each account, in the chain's smallest coin.
const BALANCE: &str = "1000000000000000000000000000000";

pub(crate) type Rpc = JsonRpcClient<HttpTransport>;

/// The block that is being made, in which every transaction stands at once.
pub(crate) const PRESENT: BlockId = BlockId::Tag(BlockTag::PreConfirmed);

/// A running devnet that makes a block when it is told to.
pub(crate) struct Devnet {
    child: Child,
    url: String,
    http: reqwest::Client,
    pub(crate) rpc: Arc<Rpc>,
    pub(crate) chain_id: Felt,
    pub(crate) accounts: Vec<Actor>,
}

/// An account that devnet fills at the start.
pub(crate) struct Actor {
    account: SingleOwnerAccount<Arc<Rpc>, LocalWallet>,
    nonce: u64,
}

/// A class as the repository carries it.
pub(crate) struct Artifact {
    sierra: SierraClass,
    pub(crate) class_hash: Felt,
    compiled_class_hash: Felt,
}

/// `STARKNET_DEVNET`, or `starknet-devnet` where `PATH` has it; says so where it is not there.
pub(crate) fn program() -> Option<PathBuf> {
    let named = env::var_os("STARKNET_DEVNET").map(PathBuf::from);
    let found = named.or_else(|| {
        let path = env::var_os("PATH")?;
        env::split_paths(&path).map(|folder| folder.join("starknet-devnet")).find(|at| at.is_file())
    });
    if found.is_none() {
        println!("skipped: no starknet-devnet on PATH; `cargo x setup` installs it");
    }
    found
}

impl Devnet {
    pub(crate) async fn start(program: &Path, options: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(options);
        command.args(["--host", "127.0.0.1", "--port", "0", "--seed", "1"]);
        command.args(["--block-generation-on", "demand", "--initial-balance", BALANCE]);
        command.args(["--accounts", &ACCOUNTS.to_string()]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().context("piped")?);
        let address = stdout.by_ref().lines().find_map(|line| {
            let (_, after) = line.ok()?.split_once("listening on ").map(own)?;
            Some(after)
        });
        let address = address.context("devnet says where it listens")?;
        // It goes on printing, and would stop at a full or closed pipe. Ends with the process.
        thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        let url = format!("http://{}/rpc", address.trim());
        let rpc = Arc::new(JsonRpcClient::new(HttpTransport::new(Url::parse(&url)?)));
        let chain_id = rpc.chain_id().await?;
        let http = reqwest::Client::new();
        let mut devnet = Self { child, url, http, rpc, chain_id, accounts: Vec::new() };
        devnet.accounts = devnet.actors().await?;
        Ok(devnet)
    }

    async fn actors(&self) -> Result<Vec<Actor>> {
        let told = self.ask("devnet_getPredeployedAccounts", json!({})).await?;
        let entries = told.as_array().context("a list of accounts")?;
        entries
            .iter()
            .map(|entry| {
                let felt = |name: &str| -> Result<Felt> {
                    Ok(Felt::from_hex(entry[name].as_str().context("hex")?)?)
                };
                let key = SigningKey::from_secret_scalar(felt("private_key")?);
                let account = SingleOwnerAccount::new(
                    Arc::clone(&self.rpc),
                    LocalWallet::from(key),
                    felt("address")?,
                    self.chain_id,
                    ExecutionEncoding::New,
                );
                Ok(Actor { account, nonce: 0 })
            })
            .collect()
    }

    /// What starknet-rs has no words for.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Result<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer: Value = self.http.post(&self.url).json(&request).send().await?.json().await?;
        ensure!(answer.get("error").is_none(), "{method}: {answer}");
        Ok(answer["result"].clone())
    }

    /// Ends the block that is being made; the next one has this time.
    pub(crate) async fn at(&self, time_s: u64) -> Result<()> {
        let params = json!({ "time": time_s, "generate_block": true });
        self.ask("devnet_setTime", params).await.map(drop)
    }

    /// Declares the class, if it is not there.
    pub(crate) async fn declare(&mut self, artifact: &Artifact) -> Result<()> {
        if self.rpc.get_class(PRESENT, artifact.class_hash).await.is_ok() {
            return Ok(());
        }
        let actor = self.accounts.first_mut().context("an account")?;
        let class = Arc::new(artifact.sierra.clone().flatten()?);
        let nonce = actor.next_nonce();
        let declaration = actor.account.declare_v3(class, artifact.compiled_class_hash);
        let declaration = declaration
            .nonce(nonce)
            .l1_gas(0)
            .l1_gas_price(GAS_PRICE)
            .l2_gas(10 * L2_GAS)
            .l2_gas_price(GAS_PRICE)
            .l1_data_gas(DATA_GAS)
            .l1_data_gas_price(GAS_PRICE)
            .tip(0);
        let declared = declaration.send().await?;
        ensure!(declared.class_hash == artifact.class_hash, "another class hash");
        Ok(())
    }

    /// Deploys a declared class at the address that follows from `salt`.
    pub(crate) async fn deploy(
        &mut self,
        class_hash: Felt,
        salt: Felt,
        arguments: &[Felt],
    ) -> Result<Felt> {
        self.deployed(class_hash, salt, arguments).await.map(|(address, _)| address)
    }

    /// The address, and what it took.
    pub(crate) async fn deployed(
        &mut self,
        class_hash: Felt,
        salt: Felt,
        arguments: &[Felt],
    ) -> Result<(Felt, InvokeTransactionReceipt)> {
        let (from_zero, length) = (Felt::ZERO, Felt::from(arguments.len()));
        let mut calldata = vec![class_hash, salt, from_zero, length];
        calldata.extend_from_slice(arguments);
        let call = Call { to: UDC, selector: get_selector_from_name("deployContract")?, calldata };
        let receipt = self.invoke(0, vec![call]).await?;
        ensure!(
            receipt.execution_result == ExecutionResult::Succeeded,
            "not deployed: {receipt:?}"
        );
        Ok((get_contract_address(salt, class_hash, arguments, Felt::ZERO), receipt))
    }

    /// The receipt of a transaction with these calls by a contract account; `sign` makes its
    /// signature over the transaction's hash.
    pub(crate) async fn invoke_as(
        &self,
        address: Felt,
        nonce: u64,
        calls: Vec<Call>,
        sign: impl FnOnce(&Felt) -> Result<Vec<Felt>>,
    ) -> Result<InvokeTransactionReceipt> {
        let no_key = LocalWallet::from(SigningKey::from_secret_scalar(Felt::ONE));
        let encoding = ExecutionEncoding::New;
        let rpc = Arc::clone(&self.rpc);
        let account = SingleOwnerAccount::new(rpc, no_key, address, self.chain_id, encoding);
        let execution = bounded(account.execute_v3(calls)).nonce(nonce.into()).prepared()?;
        let mut request = execution.get_invoke_request(false, true).await?;
        request.signature = sign(&execution.transaction_hash(false))?;
        let sent = self.rpc.add_invoke_transaction(request).await?;
        self.receipt(sent.transaction_hash).await
    }

    /// The receipt of a transaction with these calls by account number `by`.
    pub(crate) async fn invoke(
        &mut self,
        by: usize,
        calls: Vec<Call>,
    ) -> Result<InvokeTransactionReceipt> {
        let actor = self.accounts.get_mut(by).context("so many accounts")?;
        let nonce = actor.next_nonce();
        let sent = bounded(actor.account.execute_v3(calls)).nonce(nonce).send().await?;
        self.receipt(sent.transaction_hash).await
    }

    pub(crate) async fn receipt(&self, transaction: Felt) -> Result<InvokeTransactionReceipt> {
        match self.rpc.get_transaction_receipt(transaction).await?.receipt {
            TransactionReceipt::Invoke(receipt) => Ok(receipt),
            other => anyhow::bail!("no invocation: {other:?}"),
        }
    }

    /// Gives an account coins to pay with.
    pub(crate) async fn fund(&self, account: Felt, amount: u64) -> Result<()> {
        let address = account.to_hex_string();
        let params = json!({ "address": address, "amount": amount, "unit": "FRI" });
        self.ask("devnet_mint", params).await.map(drop)
    }

    /// What a view answers.
    pub(crate) async fn call(
        &self,
        to: Felt,
        name: &str,
        calldata: Vec<Felt>,
    ) -> Result<Vec<Felt>> {
        let entry_point_selector = get_selector_from_name(name)?;
        let request = FunctionCall { contract_address: to, entry_point_selector, calldata };
        Ok(self.rpc.call(request, PRESENT).await?)
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().expect("it ends");
        }
    }
}

impl Actor {
    pub(crate) fn address(&self) -> Felt {
        self.account.address()
    }

    /// Every transaction takes a number, those that revert as well.
    fn next_nonce(&mut self) -> Felt {
        let nonce = self.nonce;
        self.nonce += 1;
        Felt::from(nonce)
    }
}

impl Artifact {
    /// The class `name` in `folder` under `contracts/starknet`; its hash is what the sources say.
    pub(crate) fn read(folder: &str, name: &str) -> Result<Self> {
        let folder = contract_folder().join(folder);
        let about: Value = serde_json::from_slice(&fs::read(folder.join("artifact.json"))?)?;
        let sierra = fs::read(folder.join(format!("{name}.sierra.json")))?;
        let sierra: SierraClass = serde_json::from_slice(&sierra)?;
        let felt = |name: &str| -> Result<Felt> {
            Ok(Felt::from_hex(about[name].as_str().context("hex")?)?)
        };
        let class_hash = felt("classHash")?;
        ensure!(sierra.class_hash()? == class_hash, "artifact.json names another class");
        Ok(Self { sierra, class_hash, compiled_class_hash: felt("compiledClassHash")? })
    }
}

pub(crate) fn contract_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/starknet")
}

/// Bounds that no test comes to, so that nothing has to be estimated.
fn bounded<A: Account>(execution: ExecutionV3<'_, A>) -> ExecutionV3<'_, A> {
    execution
        .l1_gas(0)
        .l1_gas_price(GAS_PRICE)
        .l2_gas(L2_GAS)
        .l2_gas_price(GAS_PRICE)
        .l1_data_gas(DATA_GAS)
        .l1_data_gas_price(GAS_PRICE)
        .tip(0)
}

fn own((before, after): (&str, &str)) -> (String, String) {
    (before.to_owned(), after.to_owned())
}
