use futures::executor::block_on;
use squall_core::cascade::ThrottleReason;

use super::*;

/// Workers of this process that satisfy the suite, and some that do not.
#[derive(Clone, Copy, PartialEq)]
enum Local {
    AsPromised,
    AnswerLate,
    AnswerText,
    NeverFail,
    Throttle,
    TakeEverything,
}

const LIMIT: usize = 2 << 20;

impl Workers for Local {
    async fn invoke(&self, stripe: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        if request.len() > LIMIT && *self != Self::TakeEverything {
            return Err(InvokeError::Impossible(format!("{} bytes", request.len())));
        }
        if request.starts_with(FAIL) && *self != Self::NeverFail {
            return Err(InvokeError::Failed("as asked".to_owned()));
        }
        match self {
            Self::Throttle if stripe == 1 => Err(InvokeError::Throttled(ThrottleReason::Function.into())),
            Self::AnswerText => Ok(String::from_utf8_lossy(&request).into_owned().into_bytes()),
            Self::AnswerLate if stripe > 100 => Ok((stripe - 1).to_le_bytes().to_vec()),
            _ => Ok(request),
        }
    }
}

#[test]
fn workers_that_do_as_promised_pass_and_others_do_not() {
    let told = |local: Local| block_on(workers(&local, 2, Some(LIMIT + 1)));
    assert_eq!(told(Local::AsPromised), Ok(()));
    for local in
        [Local::AnswerLate, Local::AnswerText, Local::NeverFail, Local::Throttle, Local::TakeEverything]
    {
        assert!(told(local).is_err());
    }
}
