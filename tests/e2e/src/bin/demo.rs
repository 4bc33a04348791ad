//! Plays the story and prints each step with its outcome.
#![expect(clippy::print_stdout, reason = "printing is what a demo is for")]

use std::time::Instant;

use anchorhold_e2e::{STEPS, World};
use anyhow::{Context as _, Result};

#[tokio::main]
async fn main() -> Result<()> {
    println!("starting a chain, a registry and three nodes …");
    let mut world = World::start().await?;
    for (number, step) in STEPS.iter().enumerate() {
        println!("\n{}. {}", number + 1, step.title);
        let started = Instant::now();
        let seen = (step.play)(&mut world).await.with_context(|| step.title.to_owned())?;
        seen.iter().for_each(|line| println!("   - {line}"));
        println!("   ({:.1} s)", started.elapsed().as_secs_f64());
    }
    println!("\nall {} steps went as told", STEPS.len());
    Ok(())
}
