//! One function per route: parse, ask the engine, put into JSON.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::JsonRejection},
};
use engine::{Caps, Role};
use engine::{
    EngineError, Link,
    request::{
        AnchorChoice, CreateContext, Deed, InviteRequest, InviteeChoice, JoinSignature, ProposalAct,
    },
};
use types::{AccountId, ChainId, ContextId, InvitationId};

use crate::{error::ApiError, server::Shared, wire};

type Answered<T> = Result<Json<T>, ApiError>;
type Body<T> = Result<Json<T>, JsonRejection>;

pub(crate) async fn health() -> &'static str {
    "ok\n"
}

pub(crate) async fn node(State(shared): State<Shared>) -> Json<wire::Node> {
    Json(shared.engine().node_status().into())
}

// --- applications and accounts

pub(crate) async fn install(State(shared): State<Shared>, module: Bytes) -> Answered<wire::App> {
    Ok(Json(shared.engine().install(module.to_vec()).await?.into()))
}

pub(crate) async fn apps(State(shared): State<Shared>) -> Answered<Vec<wire::App>> {
    let apps = shared.engine().applications().await?;
    Ok(Json(apps.into_iter().map(wire::App::from).collect()))
}

pub(crate) async fn import_account(
    State(shared): State<Shared>,
    body: Body<wire::ImportAccount>,
) -> Answered<wire::Account> {
    let body = json(body)?;
    let chain: ChainId = parse(&body.chain, "chain")?;
    let secret = hex(&body.secret)
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .ok_or_else(|| ApiError::BadRequest("a secret key has 64 hex digits".to_owned()))?;
    let account = body.account.map(|account| parse(&account, "account")).transpose()?;
    let account = shared.engine().import_account(&chain, account, &secret)?;
    Ok(Json(wire::Account { account: account.to_string() }))
}

pub(crate) async fn accounts(State(shared): State<Shared>) -> Answered<Vec<wire::Account>> {
    let accounts = shared.engine().accounts()?.into_iter();
    let accounts = accounts.map(|account| wire::Account { account: account.to_string() });
    Ok(Json(accounts.collect()))
}

// --- contexts

pub(crate) async fn create(
    State(shared): State<Shared>,
    body: Body<wire::CreateContext>,
) -> Answered<wire::Context> {
    let body = json(body)?;
    let anchor = body.anchor.map(|anchor| {
        let account: AccountId = parse(&anchor.account, "account")?;
        let guardian = anchor.guardian.map(|guardian| parse(&guardian, "guardian")).transpose()?;
        let delays_secs = anchor.delays_secs;
        Ok::<_, ApiError>(AnchorChoice { chain: account.chain(), account, delays_secs, guardian })
    });
    let init_args = body.init.map_or_else(|| b"{}".to_vec(), |args| args.get().into());
    let request =
        CreateContext { app: parse(&body.app, "app")?, anchor: anchor.transpose()?, init_args };
    let context = shared.engine().create(request).await?;
    Ok(Json(wire::Context { context: context.to_string() }))
}

pub(crate) async fn contexts(State(shared): State<Shared>) -> Answered<Vec<wire::Status>> {
    let contexts = shared.engine().contexts().await?;
    Ok(Json(contexts.into_iter().map(wire::Status::from).collect()))
}

pub(crate) async fn status(
    State(shared): State<Shared>,
    Path(context): Path<String>,
) -> Answered<wire::Status> {
    Ok(Json(shared.engine().status(context_id(&context)?).await?.into()))
}

pub(crate) async fn members(
    State(shared): State<Shared>,
    Path(context): Path<String>,
) -> Answered<Vec<wire::Member>> {
    let members = shared.engine().members(context_id(&context)?).await?;
    Ok(Json(members.into_iter().map(wire::Member::from).collect()))
}

pub(crate) async fn call(
    State(shared): State<Shared>,
    Path(context): Path<String>,
    body: Body<wire::Call>,
) -> Answered<wire::Answer> {
    let (method, args) = method(body)?;
    Ok(Json(shared.engine().call(context_id(&context)?, method, args).await?.into()))
}

pub(crate) async fn view(
    State(shared): State<Shared>,
    Path(context): Path<String>,
    body: Body<wire::Call>,
) -> Answered<wire::Answer> {
    let (method, args) = method(body)?;
    Ok(Json(shared.engine().view(context_id(&context)?, method, args).await?.into()))
}

fn method(body: Body<wire::Call>) -> Result<(String, Vec<u8>), ApiError> {
    let call = json(body)?;
    Ok((call.method, call.args.map_or_else(|| b"{}".to_vec(), |args| args.get().into())))
}

// --- membership

pub(crate) async fn invite(
    State(shared): State<Shared>,
    Path(context): Path<String>,
    body: Body<wire::Invite>,
) -> Answered<wire::Invited> {
    let body = json(body)?;
    let invitee = match (&body.account, &body.member) {
        (Some(account), None) => InviteeChoice::Account(parse(account, "account")?),
        (None, Some(member)) => InviteeChoice::Member(parse(member, "member")?),
        (None, None) => InviteeChoice::Open,
        (Some(_), Some(_)) => {
            let why = "an invitation is for an account or for a member, not for both";
            return Err(ApiError::BadRequest(why.to_owned()));
        }
    };
    let caps = Caps::from_bits(body.caps);
    let request = InviteRequest {
        invitee,
        role: role(&body.role)?,
        caps: caps.ok_or_else(|| ApiError::BadRequest("unknown capability".to_owned()))?,
        uses_max: body.uses,
        ttl_secs: body.ttl_secs,
    };
    let invited = shared.engine().invite(context_id(&context)?, request).await?;
    Ok(Json(wire::Invited { invitation: invited.invitation.to_string(), link: invited.link }))
}

pub(crate) async fn revoke(
    State(shared): State<Shared>,
    Path((context, invitation)): Path<(String, String)>,
) -> Answered<wire::Governance> {
    let invitation: InvitationId = parse(&invitation, "invitation")?;
    Ok(Json(shared.engine().revoke(context_id(&context)?, invitation).await?.into()))
}

pub(crate) async fn remove(
    State(shared): State<Shared>,
    Path(context): Path<String>,
    body: Body<wire::NamesMember>,
) -> Answered<wire::Governance> {
    let member = parse(&json(body)?.member, "member")?;
    Ok(Json(shared.engine().remove(context_id(&context)?, member).await?.into()))
}

pub(crate) async fn set_role(
    State(shared): State<Shared>,
    Path(context): Path<String>,
    body: Body<wire::NamesMember>,
) -> Answered<wire::Governance> {
    let body = json(body)?;
    let member = parse(&body.member, "member")?;
    let role = role(&body.role.unwrap_or_default())?;
    Ok(Json(shared.engine().set_role(context_id(&context)?, member, role).await?.into()))
}

pub(crate) async fn nominate(
    State(shared): State<Shared>,
    Path(context): Path<String>,
    body: Body<wire::NamesMember>,
) -> Answered<wire::Governance> {
    let member = parse(&json(body)?.member, "member")?;
    Ok(Json(shared.engine().nominate(context_id(&context)?, member).await?.into()))
}

pub(crate) async fn accept(
    State(shared): State<Shared>,
    Path(context): Path<String>,
) -> Answered<wire::Governance> {
    Ok(Json(shared.engine().accept(context_id(&context)?).await?.into()))
}

pub(crate) async fn renounce(
    State(shared): State<Shared>,
    Path(context): Path<String>,
) -> Answered<wire::Governance> {
    Ok(Json(shared.engine().renounce(context_id(&context)?).await?.into()))
}

// --- proposals of admins

/// For how long a proposal may be approved and carried out unless told otherwise, in seconds.
const PROPOSAL_TTL_SECS: u64 = 7 * 24 * 3_600;
/// For how long a binding holds unless told otherwise, in seconds.
const BINDING_TTL_SECS: u64 = 365 * 24 * 3_600;

pub(crate) async fn proposals(
    State(shared): State<Shared>,
    Path(context): Path<String>,
) -> Answered<Vec<wire::Proposal>> {
    let proposals = shared.engine().proposals(context_id(&context)?).await?;
    Ok(Json(proposals.into_iter().map(wire::Proposal::from).collect()))
}

pub(crate) async fn propose(
    State(shared): State<Shared>,
    Path(context): Path<String>,
    body: Body<wire::Propose>,
) -> Answered<wire::Receipt> {
    let context = context_id(&context)?;
    let body = json(body)?;
    let chain = shared.engine().chain_of(context).await?;
    let actions = body.actions.iter().map(|action| action.parse(&chain)).collect::<Result<_, _>>();
    let deed = Deed::Propose {
        actions: actions.map_err(ApiError::BadRequest)?,
        ttl_secs: body.ttl_secs.unwrap_or(PROPOSAL_TTL_SECS),
    };
    done(&shared, context, deed, body.account).await
}

pub(crate) async fn act_on_proposal(
    State(shared): State<Shared>,
    Path((context, seq)): Path<(String, String)>,
    body: Body<wire::Act>,
) -> Answered<wire::Receipt> {
    let body = json(body)?;
    let act = match body.act.as_str() {
        "approve" => ProposalAct::Approve,
        "unapprove" => ProposalAct::Unapprove,
        "execute" => ProposalAct::Execute,
        "cancel" => ProposalAct::Cancel,
        "veto" => ProposalAct::Veto,
        "expire" => ProposalAct::Expire,
        other => return Err(ApiError::BadRequest(format!("act: {other:?} is none"))),
    };
    let deed = Deed::OnProposal { seq: parse(&seq, "proposal")?, act };
    done(&shared, context_id(&context)?, deed, body.account).await
}

pub(crate) async fn seat(
    State(shared): State<Shared>,
    Path(context): Path<String>,
    body: Body<wire::Act>,
) -> Answered<wire::Receipt> {
    let body = json(body)?;
    let deed = match body.act.as_str() {
        "accept" => Deed::Accept,
        "renounce" => Deed::Renounce,
        other => return Err(ApiError::BadRequest(format!("act: {other:?} is none"))),
    };
    done(&shared, context_id(&context)?, deed, body.account).await
}

pub(crate) async fn freeze(
    State(shared): State<Shared>,
    Path(context): Path<String>,
    body: Body<wire::Freeze>,
) -> Answered<wire::Receipt> {
    let body = json(body)?;
    done(&shared, context_id(&context)?, Deed::Freeze { secs: body.secs }, body.account).await
}

pub(crate) async fn bind(
    State(shared): State<Shared>,
    Path(context): Path<String>,
    body: Body<wire::Bind>,
) -> Answered<wire::Receipt> {
    let body = json(body)?;
    let deed = Deed::Bind { ttl_secs: body.ttl_secs.unwrap_or(BINDING_TTL_SECS) };
    done(&shared, context_id(&context)?, deed, Some(body.account)).await
}

async fn done(
    shared: &Shared,
    context: ContextId,
    deed: Deed,
    account: Option<String>,
) -> Answered<wire::Receipt> {
    let account = account.map(|account| parse(&account, "account")).transpose()?;
    Ok(Json(shared.engine().act(context, deed, account).await?.into()))
}

// --- joining

pub(crate) async fn plan_join(
    State(shared): State<Shared>,
    body: Body<wire::PlanJoin>,
) -> Answered<wire::JoinPlan> {
    let body = json(body)?;
    let account = body.account.map(|account| parse(&account, "account")).transpose()?;
    let plan = shared.engine().plan_join(&link(&body.link)?, account)?;
    Ok(Json(wire::JoinPlan {
        context: plan.context.to_string(),
        member: plan.member.to_string(),
        account: plan.account.map(|account| account.to_string()),
        message: plan.message,
    }))
}

pub(crate) async fn join(
    State(shared): State<Shared>,
    body: Body<wire::Join>,
) -> Answered<wire::Context> {
    let body = json(body)?;
    let link = link(&body.link)?;
    let account: Option<AccountId> =
        body.account.map(|account| parse(&account, "account")).transpose()?;
    let signature = match (account, body.proof) {
        (None, None) => JoinSignature::None,
        (Some(account), None) => JoinSignature::Held(account),
        (Some(account), Some(proof)) => {
            let wire::Proof { message, signature: answer, contract: is_contract } = proof;
            JoinSignature::Given { account, message, answer, is_contract }
        }
        (None, Some(_)) => {
            let why = "a wallet's proof needs the account that made it";
            return Err(ApiError::BadRequest(why.to_owned()));
        }
    };
    let context = shared.engine().join(link, signature).await?;
    Ok(Json(wire::Context { context: context.to_string() }))
}

pub(crate) async fn join_state(
    State(shared): State<Shared>,
    Path(context): Path<String>,
) -> Answered<wire::JoinState> {
    Ok(Json(shared.engine().join_state(context_id(&context)?).await?.into()))
}

// --- parsing

fn json<T>(body: Body<T>) -> Result<T, ApiError> {
    body.map(|Json(value)| value).map_err(|error| ApiError::BadRequest(error.body_text()))
}

pub(crate) fn context_id(text: &str) -> Result<ContextId, ApiError> {
    parse(text, "context")
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: &str,
    what: &str,
) -> Result<T, ApiError> {
    text.parse().map_err(|error| ApiError::BadRequest(format!("{what}: {error}")))
}

fn link(text: &str) -> Result<Link, ApiError> {
    text.parse().map_err(|error| ApiError::Engine(EngineError::Invalid(format!("{error}"))))
}

fn role(text: &str) -> Result<Role, ApiError> {
    match text {
        "member" => Ok(Role::Member),
        "read-only" => Ok(Role::ReadOnly),
        _ => Err(ApiError::BadRequest("role: expected `member` or `read-only`".to_owned())),
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}
