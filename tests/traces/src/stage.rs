//! Plays calls on the model: a registry that holds at most one record.

use anyhow::{Context as _, Result, bail};
use governance::anchor::{
    Account, Action, Approval, Call, Class, Code, Event, Head, Invite, OnChainId, Record, Registry,
    Terms, actions_hash, binding_digest, claim_digest, decode_actions,
};
use types::{ChainId, ContextId, Hash, keccak256};

use crate::{
    cast::Cast,
    eip155::{self, Ethereum},
    script::{self, Ask, Batch, Deed, Elsewhere, Hex, Over, Signature, What},
};

/// A registry, as far as one trace goes.
#[derive(Clone, Debug)]
pub struct Stage {
    cast: Cast,
    creator: Account,
    context: OnChainId,
    salt: [u8; 32],
    record: Option<Record>,
    host: Ethereum,
}

/// What a call came to.
pub type Outcome = Result<Vec<Event>, Code>;

impl Stage {
    /// An empty registry in which `creator` will make the record with `salt`.
    ///
    /// # Errors
    /// If nobody has that name, or the salt has not 32 bytes.
    pub fn new(cast: Cast, creator: &str, salt: &Hex) -> Result<Self> {
        let creator = cast.account(creator)?;
        let salt = salt.array().context("a salt has 32 bytes")?;
        let context = cast.registry().context(&creator, &salt);
        let host = Ethereum::new(cast.registry().clone());
        Ok(Self { cast, creator, context, salt, record: None, host })
    }

    /// The record's id.
    pub const fn context(&self) -> &OnChainId {
        &self.context
    }

    /// The record, once it was made.
    pub const fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    pub(crate) const fn cast_mut(&mut self) -> &mut Cast {
        &mut self.cast
    }

    pub(crate) const fn cast(&self) -> &Cast {
        &self.cast
    }

    /// The packed head, zero if there is no record.
    pub fn head(&self) -> [u8; 32] {
        self.record.as_ref().map_or([0; 32], |record| Head::pack(&record.head))
    }

    /// The log head, zero if there is no record.
    pub fn log_head(&self) -> Hash {
        self.record.as_ref().map_or(Hash::ZERO, |record| record.log_head)
    }

    /// What `ask` by `by` comes to at `at_s`.
    ///
    /// # Errors
    /// If the call names what there is not, or another record than this.
    pub fn play(&mut self, at_s: u64, by: &str, ask: &Ask) -> Result<Outcome> {
        let caller = self.cast.account(by)?;
        if let Some(refusal) = self.refused_opening(&caller, ask, at_s)? {
            return Ok(Err(refusal));
        }
        let call = self.call(by, ask)?;
        let outcome = match (&self.record, &call) {
            (None, Call::Create { salt, terms }) => {
                self.is_ours(&caller, salt)?;
                Record::create(self.cast.registry(), &caller, *salt, terms.clone())
                    .map(|(_, record, event)| (record, vec![event]))
            }
            (None, call) => Err(call.refusal_without_record().context("it makes a record")?),
            (Some(record), call) => {
                if let Call::Create { salt, .. } = call {
                    self.is_ours(&caller, salt)?;
                }
                record.after(&caller, call, at_s, &self.host)
            }
        };
        Ok(outcome.map(|(record, events)| {
            self.record = Some(record);
            events
        }))
    }

    fn is_ours(&self, caller: &Account, salt: &[u8; 32]) -> Result<()> {
        if *caller == self.creator && *salt == self.salt {
            return Ok(());
        }
        bail!("a trace has one record")
    }

    /// Bytes that are no batch: their code, unless a guard stands before it.
    fn refused_opening(&self, caller: &Account, ask: &Ask, at_s: u64) -> Result<Option<Code>> {
        let (Ask::Propose { batch, expiry_s } | Ask::Act { batch, expiry_s }) = ask else {
            return Ok(None);
        };
        let Err(malformed) = self.actions(batch)? else { return Ok(None) };
        let Some(record) = &self.record else { return Ok(Some(Code::E10)) };
        Ok(Some(record.may_open(caller, *expiry_s, at_s).err().unwrap_or(malformed)))
    }

    /// The transaction data of `ask` by `by` on Ethereum.
    ///
    /// # Errors
    /// As [`Stage::play`].
    pub fn wire(&self, by: &str, ask: &Ask) -> Result<Vec<u8>> {
        let ctx = eip155::context_word(&self.context);
        let (signature, number, position, bytes) = match ask {
            Ask::Propose { batch: Batch::Raw { raw_actions }, expiry_s } => {
                ("propose(bytes32,bytes,uint64)", expiry_s, 1, raw_actions)
            }
            Ask::Act { batch: Batch::Raw { raw_actions }, expiry_s } => {
                ("act(bytes32,bytes,uint64)", expiry_s, 1, raw_actions)
            }
            Ask::Execute { batch: Batch::Raw { raw_actions }, seq } => {
                ("execute(bytes32,uint64,bytes)", seq, 2, raw_actions)
            }
            Ask::ApproveAndExecute { batch: Batch::Raw { raw_actions }, seq } => {
                ("approveAndExecute(bytes32,uint64,bytes)", seq, 2, raw_actions)
            }
            _ => return Ok(ethereum::call_data(&self.context, &self.call(by, ask)?)?.to_vec()),
        };
        Ok(eip155::raw_call(signature, &[ctx, eip155::word(*number)], position, bytes.bytes()))
    }

    /// The call; bytes that are no batch become an empty one.
    pub(crate) fn call(&self, by: &str, ask: &Ask) -> Result<Call> {
        let any = |batch| -> Result<Vec<Action>> { Ok(self.actions(batch)?.unwrap_or_default()) };
        Ok(match ask {
            Ask::Create { salt, terms } => Call::Create {
                salt: salt.array().context("a salt has 32 bytes")?,
                terms: self.terms(terms)?,
            },
            Ask::Propose { batch, expiry_s } => {
                Call::Propose { actions: any(batch)?, expiry_s: *expiry_s }
            }
            Ask::Act { batch, expiry_s } => Call::Act { actions: any(batch)?, expiry_s: *expiry_s },
            Ask::Approve { seq, what } => {
                Call::Approve { seq: *seq, actions_hash: self.hash_of(what)? }
            }
            Ask::ApproveBySigs { .. } => self.approve_by_sigs(ask)?,
            Ask::ApproveAndExecute { seq, batch } => {
                Call::ApproveAndExecute { seq: *seq, actions: any(batch)? }
            }
            Ask::Unapprove { seq } => Call::Unapprove { seq: *seq },
            Ask::Cancel { seq } => Call::Cancel { seq: *seq },
            Ask::Veto { seq } => Call::Veto { seq: *seq },
            Ask::Execute { seq, batch } => Call::Execute { seq: *seq, actions: any(batch)? },
            Ask::Expire { seq } => Call::Expire { seq: *seq },
            Ask::AcceptAdmin => Call::AcceptAdmin,
            Ask::Renounce => Call::Renounce,
            Ask::Bind { .. } | Ask::Unbind { .. } | Ask::ClaimInvite { .. } => {
                self.evidence(by, ask)?
            }
            Ask::Freeze { secs } => Call::Freeze { secs: *secs },
        })
    }

    fn approve_by_sigs(&self, ask: &Ask) -> Result<Call> {
        let Ask::ApproveBySigs { seq, what, deadline_s, approvals } = ask else {
            bail!("not by signatures");
        };
        let (seq, actions_hash, deadline_s) = (*seq, self.hash_of(what)?, *deadline_s);
        let sent = Approval { context: self.context, seq, actions_hash, deadline_s };
        let approvals = approvals.iter().map(|signed| {
            let signer = self.cast.account(&signed.signer)?;
            let signature = self.signature(&signed.signature, |over| {
                let (registry, context) = self.place(over.place)?;
                let approval = Approval {
                    context,
                    seq: over.seq.unwrap_or(sent.seq),
                    actions_hash: over.actions_hash.as_ref().map_or(Ok(actions_hash), hash)?,
                    deadline_s: over.deadline_s.unwrap_or(sent.deadline_s),
                };
                eip155::approval_digest(&registry, &approval)
            });
            Ok((signer, signature?))
        });
        let approvals = approvals.collect::<Result<_>>()?;
        Ok(Call::ApproveBySigs { seq, actions_hash, deadline_s, approvals })
    }

    fn evidence(&self, by: &str, ask: &Ask) -> Result<Call> {
        let told = |over: &Over| -> Result<(Hash, Account)> {
            let (registry, context) = self.place(over.place)?;
            let account = self.cast.account(over.account.as_deref().unwrap_or(by))?;
            Ok((registry.log_start(&context), account))
        };
        Ok(match ask {
            Ask::Bind { scheme, key, signature, expiry_s } => {
                let signature = self.signature(signature, |over| {
                    let (domain, account) = told(over)?;
                    let key = over.key.as_ref().unwrap_or(key).bytes();
                    let expiry_s = over.expiry_s.unwrap_or(*expiry_s);
                    Ok(binding_digest(&domain, &account, *scheme, key, expiry_s))
                })?;
                let key = key.bytes().to_vec();
                Call::Bind { scheme: *scheme, key, signature, expiry_s: *expiry_s }
            }
            Ask::Unbind { key } => Call::Unbind { key: key.bytes().to_vec() },
            Ask::ClaimInvite { key, invite, use_number, proof, signature } => Call::ClaimInvite {
                key: key.bytes().to_vec(),
                invite: invite_of(invite)?,
                use_number: *use_number,
                proof: proof.iter().map(hash).collect::<Result<_>>()?,
                signature: self.signature(signature, |over| {
                    let (domain, account) = told(over)?;
                    let key = over.key.as_ref().unwrap_or(key).bytes();
                    Ok(claim_digest(&domain, &account, key))
                })?,
            },
            _ => bail!("it tells nothing of a key"),
        })
    }

    fn signature(
        &self,
        signature: &Signature,
        digest: impl FnOnce(&Over) -> Result<Hash>,
    ) -> Result<Vec<u8>> {
        match signature {
            Signature::Bytes(bytes) => Ok(bytes.bytes().to_vec()),
            Signature::By { by, over, flaw } => {
                let digest = digest(over.as_deref().unwrap_or(&Over::default()))?;
                self.cast.sign(by, &digest, *flaw)
            }
        }
    }

    /// Registry and record, or others.
    fn place(&self, place: Option<Elsewhere>) -> Result<(Registry, OnChainId)> {
        let (mut registry, mut context) = (self.cast.registry().clone(), self.context);
        match place {
            None => {}
            Some(Elsewhere::OtherChain) => registry.chain = other_chain(&registry.chain)?,
            Some(Elsewhere::OtherRegistry) => {
                let hash = keccak256(b"other registry");
                registry.account = Account::new(&hash.as_bytes()[12..]).context("no account")?;
            }
            Some(Elsewhere::OtherContext) => context = registry.context(&self.creator, &[0xff; 32]),
        }
        Ok((registry, context))
    }

    fn terms(&self, terms: &script::Terms) -> Result<Terms> {
        let guardian = terms.guardian.as_deref().map(|name| self.cast.account(name)).transpose()?;
        Ok(Terms {
            app: hash(&terms.app)?,
            members_root: hash(&terms.members_root)?,
            members_count: terms.members_count,
            flags: terms.flags,
            delays_s: terms.delays_s,
            guardian,
            context: ContextId::from_bytes(*hash(&terms.context)?.as_bytes()),
        })
    }

    fn hash_of(&self, what: &What) -> Result<Hash> {
        match what {
            What::Hash { actions_hash } => hash(actions_hash),
            What::Actions { actions } => {
                let actions: Vec<Action> =
                    actions.iter().map(|deed| self.action(deed)).collect::<Result<_>>()?;
                Ok(actions_hash(&actions)?)
            }
        }
    }

    fn actions(&self, batch: &Batch) -> Result<Result<Vec<Action>, Code>> {
        match batch {
            Batch::Raw { raw_actions } => Ok(decode_actions(raw_actions.bytes())),
            Batch::Actions { actions } => {
                actions.iter().map(|deed| self.action(deed)).collect::<Result<_>>().map(Ok)
            }
        }
    }

    fn action(&self, deed: &Deed) -> Result<Action> {
        let account = |name: &str| self.cast.account(name);
        Ok(match deed {
            Deed::NominateAdmin { account: name, ttl_s } => {
                Action::NominateAdmin { account: account(name)?, ttl_s: *ttl_s }
            }
            Deed::RemoveAdmin { account: name } => Action::RemoveAdmin { account: account(name)? },
            Deed::SetThreshold { threshold } => Action::SetThreshold { threshold: *threshold },
            Deed::SetDelay { class, delay_s } => {
                let class = Class::from_number(*class).context("no class")?;
                Action::SetDelay { class, delay_s: *delay_s }
            }
            Deed::SetMembersRoot { prev, new, count, delta_hash } => Action::SetMembersRoot {
                prev: hash(prev)?,
                new: hash(new)?,
                count: *count,
                delta_hash: hash(delta_hash)?,
            },
            Deed::SetApp { app, migration } => {
                Action::SetApp { app: hash(app)?, migration: hash(migration)? }
            }
            Deed::SetInviteRoot { prev, new } => {
                Action::SetInviteRoot { prev: hash(prev)?, new: hash(new)? }
            }
            Deed::SetCaps { key_hash, caps } => {
                Action::SetCaps { key_hash: hash(key_hash)?, caps: *caps }
            }
            Deed::SetGuardian { guardian } => {
                let guardian = guardian.as_deref().map(account).transpose()?;
                Action::SetGuardian { guardian }
            }
            Deed::Dissolve => Action::Dissolve,
            Deed::SetMeta { meta } => Action::SetMeta { meta: hash(meta)? },
        })
    }
}

/// The invitation in its text form.
///
/// # Errors
/// If its key is no address.
pub(crate) fn invite_of(invite: &script::Invite) -> Result<Invite> {
    Ok(Invite {
        key: invite.key.array().context("an invite key has 20 bytes")?,
        expiry_s: invite.expiry_s,
        role: invite.role,
        uses: invite.uses,
    })
}

/// A chain of the same kind; no trace plays there.
fn other_chain(chain: &ChainId) -> Result<ChainId> {
    let reference = if chain.namespace() == "eip155" { "1" } else { "elsewhere" };
    Ok(format!("{}:{reference}", chain.namespace()).parse()?)
}

fn hash(hex: &Hex) -> Result<Hash> {
    hex.array().map(Hash::from_bytes).context("a hash has 32 bytes")
}
