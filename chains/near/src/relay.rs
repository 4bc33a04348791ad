//! Calls of members who hold no NEAR: they sign what they want, and somebody else pays. Source:
//! NEP-366.

use chain::{Call, ChainError, Finality, Header as _, Receipt, Signer};
use ed25519_dalek::{Signer as _, SigningKey};
use governance::anchor::OnChainId;
use near_primitives::action::delegate::{DelegateAction, NonDelegateAction, SignedDelegateAction};
use near_primitives::transaction::Action;

use crate::{
    adapter::Near,
    endpoint::{self, Node},
    registry::Ask,
    submit::{Transaction, function_call},
    wallet::{
        NearId, NoAccess, PublicKey,
        delegate::{self, Action as Wanted},
    },
};

/// In how many blocks from now a delegated call must be done: about ten minutes.
const VALID_BLOCKS: u64 = 1_000;
/// Most yoctoNEAR that a delegated call may cost its payer besides gas: a call attaches at most
/// about 0.2 NEAR, and what is left of it goes to who wanted the call.
const DEPOSIT_MAX: u128 = 3 * 10_u128.pow(23);
/// Most gas of a delegated call.
const GAS_MAX: u64 = 150 * 1_000_000_000_000;

/// A call that an account signed and that anybody may pay for, as [`Near::relay`] takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegated {
    /// Which record it is about.
    pub context: OnChainId,
    /// What it is.
    pub call: Call,
    /// The signed action in borsh, as other relayers take it too.
    pub action: Vec<u8>,
}

impl Near {
    /// `call` as an action that `signer` wants done within about ten minutes, and that whoever has
    /// it may pay for. Nothing is sent.
    ///
    /// # Errors
    /// [`ChainError::BadKey`] if the key is none of the account's full-access keys; else as for
    /// [`chain::Chain::submit`].
    pub async fn delegate(
        &self,
        context: &OnChainId,
        call: &Call,
        signer: &Signer,
    ) -> Result<Delegated, ChainError> {
        let account = self.id(&signer.account)?;
        let ask = Ask::new(context, call)?;
        self.verify_chain().await?;
        let key = SigningKey::from_bytes(signer.key.as_bytes());
        let public = PublicKey::Ed25519(key.verifying_key().to_bytes());
        let used = self.last_nonce(&account, &public).await?;
        let newest = self.latest().await?.block().height;
        let bad = || ChainError::BadAccount { account: signer.account.clone() };
        let never = |_| ChainError::BadCall { what: "a call is no delegated action" };
        let delegate_action = DelegateAction {
            sender_id: account.as_str().parse().map_err(|_| bad())?,
            receiver_id: self.registry.as_str().parse().map_err(|_| bad())?,
            actions: vec![NonDelegateAction::try_from(function_call(ask)).map_err(never)?],
            nonce: self.outstanding.next_nonce(&account, &public, used),
            max_block_height: newest.saturating_add(VALID_BLOCKS),
            public_key: public.to_string().parse().map_err(|_| ChainError::BadKey)?,
        };
        let digest = delegate_action.get_nep461_hash();
        let signature = near_crypto::Signature::ED25519(key.sign(&digest.0));
        let signed = SignedDelegateAction { delegate_action, signature };
        let action = borsh::to_vec(&Action::Delegate(Box::new(signed)));
        let action = action.map_err(|_| ChainError::BadCall { what: "it is too long" })?;
        Ok(Delegated { context: *context, call: call.clone(), action })
    }

    /// Sends what somebody delegated, paid by `payer`.
    ///
    /// # Errors
    /// [`ChainError::BadCall`] if it is not exactly the call that it says, to this registry, signed
    /// by its key, and at most 0.3 NEAR and 150 Tgas; else as for [`chain::Chain::submit`].
    pub async fn relay(
        &self,
        delegated: &Delegated,
        payer: &Signer,
    ) -> Result<Receipt, ChainError> {
        let Delegated { context, call, action } = delegated;
        let sender_id = self.check(delegated)?;
        let payer_id = self.id(&payer.account)?;
        self.verify_chain().await?;
        let read: Action = borsh::from_slice(action).map_err(|_| NOT_IT)?;
        let sender = self.sender(payer_id, payer);
        let transaction = Transaction { receiver: sender_id, actions: vec![read] };
        let ended = sender.run(&transaction).await?;
        self.receipt(context, call, ended, &sender).await
    }

    /// Who delegated it, if it is what it says.
    fn check(&self, delegated: &Delegated) -> Result<NearId, ChainError> {
        let signed = delegate::SignedDelegateAction::from_action(&delegated.action);
        let signed = signed.map_err(|_| NOT_IT)?;
        signed.verify().map_err(|_| NOT_IT)?;
        let ask = Ask::new(&delegated.context, &delegated.call)?;
        let wanted = &signed.delegate_action;
        let is_call = match wanted.actions.as_slice() {
            [Wanted::FunctionCall { method_name, args, gas, deposit }] => {
                *method_name == ask.method
                    && *args == ask.args
                    && *gas <= GAS_MAX
                    && *deposit <= DEPOSIT_MAX
            }
            _ => false,
        };
        if is_call && wanted.receiver_id == self.registry {
            Ok(wanted.sender_id.clone())
        } else {
            Err(NOT_IT)
        }
    }

    /// The last nonce of `key`, which must be one of the account's full-access keys.
    async fn last_nonce(&self, account: &NearId, key: &PublicKey) -> Result<u64, ChainError> {
        let at = endpoint::finality(Finality::Latest);
        let ask = |node| -> chain::Asked<'_, _> {
            let node: &Node = node;
            Box::pin(node.rpc.access_key_by(account, key, at.clone()))
        };
        match self.quorum.any(ask).await? {
            Some(Ok(access)) => Ok(access.nonce),
            Some(Err(NoAccess::NoKey | NoAccess::Limited | NoAccess::NoAccount)) => {
                Err(ChainError::BadKey)
            }
            Some(Err(_)) | None => Err(ChainError::NothingFinal),
        }
    }
}

const NOT_IT: ChainError =
    ChainError::BadCall { what: "it is not the delegated call that it says" };
