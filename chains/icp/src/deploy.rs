//! Puts a registry on a development network. On the mainnet a canister costs cycles that a key
//! alone does not have: there it is made with the network's own tools, and named in the
//! configuration.

use candid::{CandidType, utils::ArgumentEncoder};
use chain::{ChainError, Signer};
use serde::Deserialize;
use types::AccountId;

use crate::{
    Principal,
    adapter::{Icp, IcpConfig},
    artifact,
    endpoint::canister,
    proof::RootKey,
    submit::Request,
    wallet::{account_id, principal_of},
    wire::Blob,
};

/// The method that makes canisters out of nothing, on development networks alone.
const CREATE: &str = "provisional_create_canister_with_cycles";
/// A canister of the subnet on which development networks make new ones.
const BESIDE: [u8; 10] = [0, 0, 0, 0, 2, 0, 0, 0, 1, 1];
/// Cycles of a new registry: more than it uses in any test.
const CYCLES: u128 = 100_000_000_000_000;
/// Bytes of history that a record may keep, as registries have it unless told otherwise.
const ROOM_BYTES: u64 = 1024 * 1024;

/// How a registry is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Who makes records without paying: at most 256.
    pub creators: Vec<AccountId>,
    /// How many records each of them makes so.
    pub records_per_creator: u32,
    /// Whether whoever deploys may change settings and code afterwards. Otherwise nobody may, as
    /// on other chains.
    pub has_controller: bool,
}

#[derive(CandidType)]
struct CreateArgs {
    amount: Option<candid::Nat>,
}

#[derive(CandidType, Deserialize)]
struct Created {
    canister_id: candid::Principal,
}

#[derive(CandidType)]
struct InstallArgs<'a> {
    mode: InstallMode,
    canister_id: candid::Principal,
    wasm_module: &'a Blob,
    arg: Blob,
}

#[derive(CandidType, Deserialize)]
enum InstallMode {
    #[serde(rename = "install")]
    Install,
}

#[derive(CandidType)]
struct SettingsArgs {
    canister_id: candid::Principal,
    settings: CanisterSettings,
}

#[derive(CandidType)]
struct CanisterSettings {
    controllers: Option<Vec<candid::Principal>>,
}

/// As the registry's interface has it.
#[derive(CandidType)]
struct RegistrySettings {
    creators: Vec<candid::Principal>,
    records_per_creator: u32,
    price_cycles: Option<u128>,
    room_bytes: u64,
}

impl Icp {
    /// Puts a new registry on the development network of `signer`, who alone makes records in it
    /// and has no say over it afterwards.
    ///
    /// # Errors
    /// As [`Icp::deploy_as`].
    pub async fn deploy(config: IcpConfig, signer: &Signer) -> Result<Self, ChainError> {
        let deployment = Deployment {
            creators: vec![signer.account.clone()],
            records_per_creator: u32::MAX,
            has_controller: false,
        };
        Self::deploy_as(config, signer, &deployment).await
    }

    /// Puts a new registry on the development network of `signer`.
    ///
    /// # Errors
    /// [`ChainError::BadCall`] for the mainnet, where a canister costs cycles: make it with `dfx`
    /// or `icp`, and name it in the configuration. Else as for [`chain::Chain::submit`].
    pub async fn deploy_as(
        config: IcpConfig,
        signer: &Signer,
        deployment: &Deployment,
    ) -> Result<Self, ChainError> {
        let network = signer.account.chain();
        if network == RootKey::mainnet().network() {
            let what =
                "on the mainnet a registry is made with dfx or icp-cli, which pay its cycles";
            return Err(ChainError::BadCall { what });
        }
        let principal = principal_of(&signer.key);
        let name = |id: &Principal| account_id(&network, id).map_err(|_| ChainError::BadKey);
        let beside = Principal::from_bytes(&BESIDE).expect("a principal has at most 29 bytes");
        let near = Self::new(name(&beside)?, config.clone())?;
        if near.account(&signer.account)? != principal {
            return Err(ChainError::BadKey);
        }
        let settings = near.registry_settings(deployment)?;
        let create = CreateArgs { amount: Some(CYCLES.into()) };
        let created = near.manage(beside, CREATE, (create,), signer).await?;
        let created: Created = candid::decode_one(&created).map_err(failed)?;
        let id = Principal::from_bytes(created.canister_id.as_slice()).map_err(failed)?;
        let install = InstallArgs {
            mode: InstallMode::Install,
            canister_id: created.canister_id,
            wasm_module: &Blob(artifact::MODULE.to_vec()),
            arg: Blob(candid::encode_one(Some(settings)).map_err(failed)?),
        };
        let made = Self::new(name(&id)?, config)?;
        made.manage(id, "install_code", (install,), signer).await?;
        if !deployment.has_controller {
            let settings = CanisterSettings { controllers: Some(Vec::new()) };
            let settings = SettingsArgs { canister_id: created.canister_id, settings };
            made.manage(id, "update_settings", (settings,), signer).await?;
        }
        Ok(made)
    }

    fn registry_settings(&self, deployment: &Deployment) -> Result<RegistrySettings, ChainError> {
        let creators = deployment.creators.iter();
        let creators = creators.map(|creator| Ok(canister(&self.account(creator)?)));
        Ok(RegistrySettings {
            creators: creators.collect::<Result<_, ChainError>>()?,
            records_per_creator: deployment.records_per_creator,
            price_cycles: None,
            room_bytes: ROOM_BYTES,
        })
    }

    /// Calls the management canister about `about`.
    async fn manage(
        &self,
        about: Principal,
        method: &'static str,
        args: impl ArgumentEncoder,
        signer: &Signer,
    ) -> Result<Vec<u8>, ChainError> {
        let to = Principal::from_bytes(&[]).expect("the management canister has no bytes");
        let arg = candid::encode_args(args).map_err(failed)?;
        let request = Request { to, route: about, method, arg };
        Ok(self.run(&request, signer).await?.1)
    }
}

fn failed(error: impl core::fmt::Display) -> ChainError {
    ChainError::Failed { data: error.to_string() }
}
