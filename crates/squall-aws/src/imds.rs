//! An instance's own metadata, from the instance metadata service, version 2
//! (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>).

use std::time::Duration;

use aws_config::imds::Client;
use aws_config::imds::client::error::ImdsError;
use squall_core::ports::PortError;

/// The service is on the machine itself: if it does not answer quickly, it does not exist.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The metadata of the instance that this runs on.
#[derive(Debug)]
pub struct InstanceMetadata(Client);

impl InstanceMetadata {
    /// The service at the endpoint that the environment names (`AWS_EC2_METADATA_SERVICE_ENDPOINT`), or at the default
    /// one.
    pub fn new() -> Self {
        Self(Client::builder().connect_timeout(TIMEOUT).read_timeout(TIMEOUT).build())
    }

    /// This instance's id.
    ///
    /// # Errors
    /// Permanent when this is not an instance; unknown when the service fails.
    pub async fn instance_id(&self) -> Result<String, PortError> {
        let id = self.get("/latest/meta-data/instance-id").await?;
        id.ok_or_else(|| PortError::permanent("the instance metadata has no instance-id"))
    }

    /// EC2's scheduled action on this spot instance, about two minutes ahead: `{"action": "terminate", "time": …}`;
    /// `None` if none is scheduled.
    ///
    /// # Errors
    /// When the service fails.
    pub async fn spot_action(&self) -> Result<Option<String>, PortError> {
        self.get("/latest/meta-data/spot/instance-action").await
    }

    /// The lifecycle state to which its Auto Scaling group is taking it: `InService`, `Terminated`, `Detached`, …;
    /// `None` when it is in no group.
    ///
    /// # Errors
    /// When the service fails.
    pub async fn target_lifecycle_state(&self) -> Result<Option<String>, PortError> {
        self.get("/latest/meta-data/autoscaling/target-lifecycle-state").await
    }

    /// `None` when there is no such entry.
    async fn get(&self, path: &str) -> Result<Option<String>, PortError> {
        const NOT_FOUND: u16 = 404;
        match self.0.get(path).await {
            Ok(text) => Ok(Some(text.as_ref().to_owned())),
            Err(ImdsError::ErrorResponse(reply)) if reply.response().status().as_u16() == NOT_FOUND => {
                Ok(None)
            }
            Err(ImdsError::ErrorResponse(reply)) => {
                let status = reply.response().status().as_u16();
                let what = format!("the instance metadata service answers {status} to {path}");
                Err(if status < 500 { PortError::refused(what) } else { PortError::unknown(what) })
            }
            Err(_) => Err(PortError::permanent(
                "the instance metadata service does not answer; is this an EC2 instance, and IMDSv2 on with a hop limit \
                 that containers can use?",
            )),
        }
    }
}

impl Default for InstanceMetadata {
    fn default() -> Self {
        Self::new()
    }
}
