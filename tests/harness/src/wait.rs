//! Waits for what other processes will do.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

/// Between two questions: short beside what is waited for, long beside a request on loopback.
const POLL: Duration = Duration::from_millis(100);

/// Asks `probe` again until it answers with `Ok`, at most for `limit`.
///
/// The probe is asked at least once. A probe that hangs is waited for: give it a limit of its own.
///
/// # Errors
/// The last error of `probe`, with how long was waited.
pub async fn eventually<T>(
    limit: Duration,
    mut probe: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        let error = match probe().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let waited = started.elapsed();
        if waited >= limit {
            return Err(error.context(anyhow!("not within {} ms", waited.as_millis())));
        }
        tokio::time::sleep(POLL.min(limit.saturating_sub(waited))).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use anyhow::{Result, bail};

    use super::eventually;

    #[tokio::test]
    async fn a_probe_is_asked_until_it_agrees() {
        let mut asked = 0;
        let answer = eventually(Duration::from_secs(30), async || {
            asked += 1;
            if asked < 3 {
                bail!("only asked {asked} times");
            }
            Ok(asked)
        });
        assert_eq!(answer.await.expect("the third answer is yes"), 3);
    }

    #[tokio::test]
    async fn the_last_refusal_is_told() {
        let answer: Result<()> =
            eventually(Duration::from_millis(50), async || bail!("no root yet")).await;
        let text = format!("{:#}", answer.expect_err("it never agrees"));
        assert!(text.contains("no root yet"), "{text}");
        assert!(text.contains("not within"), "{text}");
    }
}
