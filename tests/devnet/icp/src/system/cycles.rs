//! Cycles: what the canister has, what came with the call, and what things would cost.

use wasmtime::{Caller, Linker, Result};

use super::{CHANGING, RUNNING, Stages, enter, give_cycles, misuse};
use crate::{
    host::{Host, Stage},
    price,
};

const PAID: Stages = Stage::Update as u16
    | Stage::ReplicatedQuery as u16
    | Stage::Reply as u16
    | Stage::Reject as u16;
const REFUNDED: Stages = Stage::Reply as u16 | Stage::Reject as u16;
const BURNING: Stages = CHANGING | Stage::ReplicatedQuery as u16 | Stage::Cleanup as u16;
const ANYWHERE: Stages = u16::MAX;

pub(super) fn define(linker: &mut Linker<Host>) -> Result<()> {
    amount(linker, "canister_cycle_balance", RUNNING, |host| host.effects.balance)?;
    amount(linker, "canister_liquid_cycle_balance", RUNNING, |host| host.effects.balance)?;
    amount(linker, "msg_cycles_available", PAID, |host| match host.effects.response {
        Some(_) => 0, // They went back with the answer.
        None => host.effects.available,
    })?;
    amount(linker, "msg_cycles_refunded", REFUNDED, |host| host.given.refunded)?;
    linker.func_wrap("ic0", "msg_cycles_accept", |mut caller: Caller<'_, Host>, max: u64| {
        accept(&mut caller, u128::from(max)).map(|amount| amount as u64)
    })?;
    linker.func_wrap("ic0", "msg_cycles_accept128", accept128)?;
    linker.func_wrap("ic0", "cycles_burn128", burn)?;
    linker.func_wrap("ic0", "cost_call", cost_call)?;
    linker.func_wrap("ic0", "cost_create_canister", |mut caller: Caller<'_, Host>, dst: u32| {
        enter(&mut caller, "cost_create_canister", ANYWHERE)?;
        give_cycles(&mut caller, price::CANISTER, dst)
    })?;
    Ok(())
}

/// Defines how code learns an amount: as 128 bits at an address, or as 64 bits.
fn amount(
    linker: &mut Linker<Host>,
    name: &'static str,
    stages: Stages,
    of: fn(&Host) -> u128,
) -> Result<()> {
    let wide = move |mut caller: Caller<'_, Host>, dst: u32| -> Result<()> {
        enter(&mut caller, name, stages)?;
        let amount = of(caller.data());
        give_cycles(&mut caller, amount, dst)
    };
    let narrow = move |mut caller: Caller<'_, Host>| -> Result<u64> {
        enter(&mut caller, name, stages)?;
        u64::try_from(of(caller.data())).or_else(|_| misuse("the amount has more than 64 bits"))
    };
    linker.func_wrap("ic0", &format!("{name}128"), wide)?;
    linker.func_wrap("ic0", name, narrow)?;
    Ok(())
}

fn accept128(mut caller: Caller<'_, Host>, high: u64, low: u64, dst: u32) -> Result<()> {
    let accepted = accept(&mut caller, u128::from(high) << 64 | u128::from(low))?;
    give_cycles(&mut caller, accepted, dst)
}

/// Takes at most `max` of what came with the call; nothing once the call is answered.
fn accept(caller: &mut Caller<'_, Host>, max: u128) -> Result<u128> {
    enter(caller, "msg_cycles_accept128", PAID)?;
    let effects = &mut caller.data_mut().effects;
    if effects.response.is_some() {
        return Ok(0);
    }
    let accepted = max.min(effects.available);
    effects.available -= accepted;
    effects.balance = effects.balance.saturating_add(accepted);
    Ok(accepted)
}

fn burn(mut caller: Caller<'_, Host>, high: u64, low: u64, dst: u32) -> Result<()> {
    enter(&mut caller, "cycles_burn128", BURNING)?;
    let effects = &mut caller.data_mut().effects;
    let burned = (u128::from(high) << 64 | u128::from(low)).min(effects.balance);
    effects.balance -= burned;
    give_cycles(&mut caller, burned, dst)
}

fn cost_call(mut caller: Caller<'_, Host>, name: u64, payload: u64, dst: u32) -> Result<()> {
    enter(&mut caller, "cost_call", ANYWHERE)?;
    give_cycles(&mut caller, price::call(name.saturating_add(payload)), dst)
}
