//! Asking all endpoints at once.

use core::{future::Future, pin::Pin, time::Duration};

use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::{Instant, timeout_at};

use super::Quorum;
use crate::{ChainError, Claimed, Endpoint, Misdeed, Shown};

/// How long the others are waited for once enough have answered. Too short, and a slow endpoint
/// counts as one that disagrees; too long, and one that hangs slows every reading down.
const GRACE: Duration = Duration::from_secs(2);

/// How long those are waited for that were silent just now.
const GRACE_SILENT: Duration = Duration::from_millis(50);

/// What one endpoint is asked.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, ChainError>> + Send + 'a>>;

impl<E: Endpoint> Quorum<E> {
    /// All answers, each with its endpoint's index; whoever failed is named. Endpoints that are
    /// slower than enough others by two seconds are not waited for.
    pub async fn ask_all<'a, T>(
        &'a self,
        ask: impl Fn(&'a E) -> Asked<'a, T>,
    ) -> Vec<(usize, Result<T, ChainError>)> {
        let asked = self.endpoints.iter().enumerate();
        let mut open: FuturesUnordered<_> = asked
            .map(|(index, endpoint)| {
                let answer = ask(endpoint);
                async move { (index, answer.await) }
            })
            .collect();
        let mut answers = Vec::with_capacity(self.endpoints.len());
        let mut good = 0;
        let mut until: Option<(Instant, bool)> = None;
        loop {
            let next = match until {
                None => open.next().await,
                Some((until, _)) => match timeout_at(until, open.next()).await {
                    Ok(next) => next,
                    Err(_) => break,
                },
            };
            let Some((index, answer)) = next else { break };
            match &answer {
                Ok(_) => good += 1,
                Err(error) => self.blame.error(self.endpoints[index].name(), index, error),
            }
            answers.push((index, answer));
            if good >= self.needed.get() && until.is_none() {
                let mut missing = missing(&answers, self.endpoints.len());
                let is_usual = missing.all(|index| self.blame.was_silent(index));
                let grace = if is_usual { GRACE_SILENT } else { GRACE };
                until = Some((Instant::now() + grace, is_usual));
            }
        }
        if until.is_some_and(|(_, is_usual)| !is_usual) {
            for index in missing(&answers, self.endpoints.len()) {
                let why = format!("it answers {} s later than others", GRACE.as_secs());
                let misdeed = Misdeed::Unreachable { why };
                self.blame.note(self.endpoints[index].name(), Some(index), misdeed);
            }
        }
        answers.sort_by_key(|(index, _)| *index);
        answers
    }

    /// What enough endpoints answer alike, and how many do.
    ///
    /// # Errors
    /// [`ChainError::Disagreement`]; the first error if none answers.
    pub async fn agree<'a, T: PartialEq>(
        &'a self,
        method: &'static str,
        ask: impl Fn(&'a E) -> Asked<'a, T>,
    ) -> Result<(T, usize), ChainError> {
        let mut groups: Vec<(T, Vec<usize>)> = Vec::new();
        let mut failure = None;
        for (index, answer) in self.ask_all(ask).await {
            match answer {
                Ok(answer) => match groups.iter_mut().find(|(known, _)| *known == answer) {
                    Some((_, members)) => members.push(index),
                    None => groups.push((answer, vec![index])),
                },
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        let count = |group: &(T, Vec<usize>)| group.1.len();
        let best = (0..groups.len()).max_by_key(|at| groups.get(*at).map_or(0, count));
        let Some(at) = best else {
            return Err(failure.unwrap_or_else(|| self.disagreement(method, 0)));
        };
        let (answer, members) = groups.swap_remove(at);
        if members.len() < self.needed.get() {
            return Err(self.disagreement(method, members.len()));
        }
        for index in groups.iter().flat_map(|(_, members)| members) {
            let why = format!("it answers {method} otherwise than the others");
            self.blame.wrong_value(self.endpoints[*index].name(), *index, why);
        }
        Ok((answer, members.len()))
    }

    /// What the first endpoint that answers says; those before it are named.
    ///
    /// # Errors
    /// The first endpoint's, if none answers.
    pub async fn any<'a, T>(
        &'a self,
        ask: impl Fn(&'a E) -> Asked<'a, T>,
    ) -> Result<T, ChainError> {
        let mut failure = None;
        for index in self.blame.in_order(self.endpoints.len()) {
            match ask(&self.endpoints[index]).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    self.blame.error(self.endpoints[index].name(), index, &error);
                    failure.get_or_insert(error);
                }
            }
        }
        Err(failure.expect("a quorum has an endpoint"))
    }

    /// What one endpoint proves, or else what enough of them tell alike, and which of the two.
    /// Those that tell something else are named.
    ///
    /// # Errors
    /// As for [`Quorum::agree`].
    pub async fn believe<'a, T: PartialEq>(
        &'a self,
        method: &'static str,
        ask: impl Fn(&'a E) -> Asked<'a, Claimed<T>>,
    ) -> Result<(T, Shown), ChainError> {
        let mut told: Vec<(usize, T)> = Vec::new();
        let mut failure = None;
        for index in self.blame.in_order(self.endpoints.len()) {
            match ask(&self.endpoints[index]).await {
                Ok(Claimed::Proved(answer)) => {
                    self.blame_tellers(method, &told, &answer);
                    return Ok((answer, Shown::Proved));
                }
                Ok(Claimed::Told(answer)) => told.push((index, answer)),
                Err(error) => {
                    self.blame.error(self.endpoints[index].name(), index, &error);
                    failure.get_or_insert(error);
                }
            }
        }
        let agreeing = |at: &usize| {
            let answer = told.get(*at).map(|(_, answer)| answer);
            told.iter().filter(|(_, other)| Some(other) == answer).count()
        };
        let Some(at) = (0..told.len()).max_by_key(agreeing) else {
            return Err(failure.unwrap_or_else(|| self.disagreement(method, 0)));
        };
        let (agreeing, of) = (agreeing(&at), self.endpoints.len());
        if agreeing < self.needed.get() {
            return Err(self.disagreement(method, agreeing));
        }
        let (_, answer) = told.swap_remove(at);
        self.blame_tellers(method, &told, &answer);
        Ok((answer, Shown::Told { agreeing, of }))
    }

    fn blame_tellers<T: PartialEq>(&self, method: &'static str, told: &[(usize, T)], answer: &T) {
        for (index, _) in told.iter().filter(|(_, other)| other != answer) {
            let why = format!("it tells {method} otherwise than the others");
            self.blame.wrong_value(self.endpoints[*index].name(), *index, why);
        }
    }
}

/// Whose answer has not come.
fn missing<T>(answers: &[(usize, T)], count: usize) -> impl Iterator<Item = usize> {
    (0..count).filter(|index| !answers.iter().any(|(answered, _)| answered == index))
}
