//! The receipts that a running contract makes. Source: nearcore, `receipt_manager.rs`.

use near_crypto::PublicKey;
use near_primitives::{
    account::{AccessKey, AccessKeyPermission, FunctionCallPermission},
    action::{Action, AddKeyAction, FunctionCallAction},
    hash::CryptoHash,
    receipt::{
        ActionReceipt, ActionReceiptV2, DataReceipt, DataReceiver, Receipt, ReceiptEnum, ReceiptV0,
    },
    types::{AccountId, Balance, Gas},
};
use near_vm_runner::logic::{HostError, VMLogicError, types::ReceiptIndex};

/// A receipt without an id, which it gets when its maker has ended.
#[derive(Debug)]
struct Draft {
    receiver: AccountId,
    refund_to: Option<AccountId>,
    outputs: Vec<DataReceiver>,
    inputs: Vec<CryptoHash>,
    actions: Vec<Action>,
    is_yield: bool,
}

/// Who signed the transaction from which a receipt comes, and at what price it bought gas.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) signer: AccountId,
    pub(super) key: PublicKey,
    pub(super) gas_price: Balance,
}

/// All receipts that one call makes.
#[derive(Debug, Default)]
pub(super) struct Promises {
    drafts: Vec<Draft>,
    /// Calls that share the gas that is left, by receipt and action.
    weights: Vec<(usize, usize, u64)>,
    resumed: Vec<DataReceipt>,
}

impl Promises {
    fn index(&self, index: ReceiptIndex) -> Result<usize, VMLogicError> {
        let found = usize::try_from(index).ok().filter(|index| *index < self.drafts.len());
        found.ok_or_else(|| HostError::InvalidReceiptIndex { receipt_index: index }.into())
    }

    fn draft(&mut self, index: ReceiptIndex) -> &mut Draft {
        let index = usize::try_from(index).expect("the VM hands back what it was given");
        &mut self.drafts[index]
    }

    /// A receipt that waits for all of `after`, each of which sends it what it has in `data_ids`.
    pub(super) fn create(
        &mut self,
        data_ids: Vec<CryptoHash>,
        after: &[ReceiptIndex],
        receiver: AccountId,
    ) -> Result<ReceiptIndex, VMLogicError> {
        for (data_id, index) in data_ids.iter().zip(after) {
            let index = self.index(*index)?;
            let output = DataReceiver { data_id: *data_id, receiver_id: receiver.clone() };
            self.drafts[index].outputs.push(output);
        }
        Ok(self.push(receiver, data_ids, false))
    }

    /// A receipt that waits until it is resumed.
    pub(super) fn create_yield(
        &mut self,
        data_id: CryptoHash,
        receiver: AccountId,
    ) -> ReceiptIndex {
        self.push(receiver, vec![data_id], true)
    }

    fn push(
        &mut self,
        receiver: AccountId,
        inputs: Vec<CryptoHash>,
        is_yield: bool,
    ) -> ReceiptIndex {
        let index = self.drafts.len() as ReceiptIndex;
        self.drafts.push(Draft {
            receiver,
            refund_to: None,
            outputs: Vec::new(),
            inputs,
            actions: Vec::new(),
            is_yield,
        });
        index
    }

    /// Whether this very call made a receipt that waits for `data_id`.
    pub(super) fn yields(&self, data_id: &CryptoHash) -> bool {
        self.drafts.iter().any(|draft| draft.is_yield && draft.inputs.contains(data_id))
    }

    pub(super) fn resume(&mut self, data_id: CryptoHash, data: Vec<u8>) {
        self.resumed.push(DataReceipt { data_id, data: Some(data) });
    }

    pub(super) fn append(&mut self, index: ReceiptIndex, action: Action) {
        self.draft(index).actions.push(action);
    }

    /// Adds a call that gets `weight` parts of the gas that is left.
    pub(super) fn append_call(
        &mut self,
        index: ReceiptIndex,
        call: FunctionCallAction,
        weight: u64,
    ) {
        let at = usize::try_from(index).expect("the VM hands back what it was given");
        let draft = self.draft(index);
        draft.actions.push(Action::FunctionCall(Box::new(call)));
        let action = draft.actions.len() - 1;
        if weight > 0 {
            self.weights.push((at, action, weight));
        }
    }

    pub(super) fn append_key(
        &mut self,
        index: ReceiptIndex,
        public_key: PublicKey,
        access_key: AccessKey,
    ) {
        self.append(index, Action::AddKey(Box::new(AddKeyAction { public_key, access_key })));
    }

    pub(super) fn receiver(&self, index: ReceiptIndex) -> &AccountId {
        let index = usize::try_from(index).expect("the VM hands back what it was given");
        &self.drafts[index].receiver
    }

    pub(super) fn set_refund_to(&mut self, index: ReceiptIndex, to: AccountId) {
        self.draft(index).refund_to = Some(to);
    }

    /// Shares out what gas is left among the calls with a weight; says how much that was.
    pub(super) fn share_gas(&mut self, left: Gas) -> Gas {
        let total: u128 = self.weights.iter().map(|(_, _, weight)| u128::from(*weight)).sum();
        if total == 0 {
            return Gas::ZERO;
        }
        let mut rest = left.as_gas();
        let last = self.weights.len() - 1;
        for (position, (receipt, action, weight)) in self.weights.iter().enumerate() {
            let part = u128::from(left.as_gas()) * u128::from(*weight) / total;
            let part = u64::try_from(part).unwrap_or(rest).min(rest);
            // What division leaves goes to the last.
            let part = if position == last { rest } else { part };
            rest -= part;
            if let Action::FunctionCall(call) = &mut self.drafts[*receipt].actions[*action] {
                call.gas = call.gas.saturating_add(Gas::from_gas(part));
            }
        }
        left
    }

    /// The receipts, from `account`, in the order in which they were made; those that resume last.
    pub(super) fn finish(self, account: &AccountId, origin: &Origin) -> Vec<Receipt> {
        let made = self.drafts.into_iter().map(|draft| draft.finish(account, origin));
        let resumed = self
            .resumed
            .into_iter()
            .map(|data| nameless(account, account, ReceiptEnum::PromiseResume(data)));
        made.chain(resumed).collect()
    }
}

impl Draft {
    fn finish(self, account: &AccountId, origin: &Origin) -> Receipt {
        let Origin { signer, key, gas_price } = origin.clone();
        let (outputs, inputs, actions) = (self.outputs, self.inputs, self.actions);
        let body = match self.refund_to {
            None => {
                let receipt = ActionReceipt {
                    signer_id: signer,
                    signer_public_key: key,
                    gas_price,
                    output_data_receivers: outputs,
                    input_data_ids: inputs,
                    actions,
                };
                if self.is_yield {
                    ReceiptEnum::PromiseYield(receipt)
                } else {
                    ReceiptEnum::Action(receipt)
                }
            }
            refund_to @ Some(_) => {
                let receipt = ActionReceiptV2 {
                    signer_id: signer,
                    refund_to,
                    signer_public_key: key,
                    gas_price,
                    output_data_receivers: outputs,
                    input_data_ids: inputs,
                    actions,
                };
                if self.is_yield {
                    ReceiptEnum::PromiseYieldV2(receipt)
                } else {
                    ReceiptEnum::ActionV2(receipt)
                }
            }
        };
        nameless(account, &self.receiver, body)
    }
}

/// A receipt without an id.
pub(super) fn nameless(from: &AccountId, to: &AccountId, receipt: ReceiptEnum) -> Receipt {
    Receipt::V0(ReceiptV0 {
        predecessor_id: from.clone(),
        receiver_id: to.clone(),
        receipt_id: CryptoHash::default(),
        receipt,
    })
}

/// A key that may only call.
pub(super) fn call_key(
    nonce: u64,
    allowance: Option<Balance>,
    receiver: &AccountId,
    method_names: Vec<Vec<u8>>,
) -> Result<AccessKey, VMLogicError> {
    let names = method_names.into_iter().map(|name| {
        String::from_utf8(name).map_err(|_| VMLogicError::from(HostError::InvalidMethodName))
    });
    let permission = FunctionCallPermission {
        allowance,
        receiver_id: receiver.to_string(),
        method_names: names.collect::<Result<_, _>>()?,
    };
    Ok(AccessKey { nonce, permission: AccessKeyPermission::FunctionCall(permission) })
}
