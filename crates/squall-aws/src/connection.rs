//! The connection to AWS and its credentials: loaded once, at the first call, and shared by every adapter.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_types::service_config::ServiceConfigKey;
use tokio::sync::OnceCell;

/// Longest wait for a connection to open. A healthy endpoint of the same region answers within milliseconds, and a lost
/// packet is retransmitted after one second and after three: the SDK's own default, stated here so that it does not
/// change with the SDK.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);

/// Longest wait for the first byte of an answer: a connection that died silently must not hold a lane. A queue's long
/// poll takes 20 s; callers that wait longer, such as for a worker, configure their own client.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The operator's connection settings. Those left out come from the standard chains: the environment (`AWS_REGION`,
/// `AWS_PROFILE`, `AWS_ENDPOINT_URL` and its variants per service), then the profile files, then the machine's own
/// role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The region, such as `eu-west-1`.
    pub region: Option<String>,
    /// The profile in the AWS configuration files.
    pub profile: Option<String>,
    /// An endpoint instead of AWS, for every service.
    pub endpoint_url: Option<String>,
}

/// The connection to AWS. Clones share one configuration, and so one cache of credentials.
///
/// Connections: each service's client has its own pool (hyper's). Over HTTP/1.1 that opens as many connections as there are requests
/// in flight and keeps idle ones for 90 s, however many they are; only the process's limit of open files bounds them. Over HTTP/2 it
/// keeps one per host, which takes some 100 requests at a time: a consumer, which has more in flight, uses several clients.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    /// Credentials for an emulator, instead of those of the standard chain.
    keys: Option<Credentials>,
    program: Option<&'static str>,
    config: OnceCell<SdkConfig>,
}

impl Connection {
    /// A connection, not yet made.
    pub fn new(settings: Settings) -> Self {
        Self::of(settings, None, None)
    }

    /// A connection as the environment says, whose requests name this program in their user agent (`app/PROGRAM`): CloudTrail
    /// records it.
    pub fn of_program(program: &'static str) -> Self {
        Self::of(Settings::default(), None, Some(program))
    }

    fn of(settings: Settings, keys: Option<Credentials>, program: Option<&'static str>) -> Self {
        Self { shared: Arc::new(Shared { settings, keys, program, config: OnceCell::new() }) }
    }

    /// A connection to an emulator, which checks no credentials but requires some: it gets these, and never those of
    /// the operator's account.
    pub fn with_keys(settings: Settings, access_key_id: &str, secret_access_key: &str) -> Self {
        let keys = Some(Credentials::new(access_key_id, secret_access_key, None, None, "emulator"));
        Self::of(settings, keys, None)
    }

    /// The region in use; `None` when nothing names one.
    pub async fn region(&self) -> Option<String> {
        self.config().await.region().map(ToString::to_string)
    }

    /// The SDK's configuration: its standard retries (three attempts), and nothing on top.
    ///
    /// Without credentials in the environment or a profile the chain asks the instance metadata service, which does
    /// not exist on a laptop: the first call takes up to a second longer for the region, and one for the credentials,
    /// before it fails. `AWS_EC2_METADATA_DISABLED=true` spares that.
    pub(crate) async fn config(&self) -> &SdkConfig {
        let Shared { settings, keys, program, config } = &*self.shared;
        config.get_or_init(|| load(settings, keys.as_ref(), *program)).await
    }

    /// The profile that the operator named.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.shared.settings.profile.as_deref()
    }

    /// The endpoint that calls to a service go to instead of AWS, once the configuration is loaded. As in the SDK, one of
    /// the service's own (`AWS_ENDPOINT_URL_LAMBDA`, or the profile's `services`) takes precedence over that of all
    /// services, unless the latter was set in code. `service` is the SDK's id of the service, such as `Auto Scaling`.
    pub(crate) fn endpoint_url(&self, service: Option<&str>) -> Option<String> {
        let config = self.loaded()?;
        let of_all = config.endpoint_url().map(str::to_owned);
        if config.get_origin("endpoint_url").is_client_config() {
            return of_all;
        }
        let of_service = service.and_then(|id| {
            let key =
                ServiceConfigKey::builder().service_id(id).env("AWS_ENDPOINT_URL").profile("endpoint_url");
            config.service_config()?.load_config(key.build().ok()?)
        });
        of_service.or(of_all)
    }

    /// The configuration if it was loaded, which is always so after a failed call.
    pub(crate) fn loaded(&self) -> Option<&SdkConfig> {
        self.shared.config.get()
    }
}

#[cfg(test)]
impl Connection {
    /// A connection that is already loaded: tests supply their own credentials, which no setting may.
    pub(crate) fn of_config(config: SdkConfig) -> Self {
        let shared = Shared {
            settings: Settings::default(),
            keys: None,
            program: None,
            config: OnceCell::new_with(Some(config)),
        };
        Self { shared: Arc::new(shared) }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.shared.settings).finish()
    }
}

async fn load(settings: &Settings, keys: Option<&Credentials>, program: Option<&'static str>) -> SdkConfig {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &settings.profile {
        // A named profile takes precedence over keys in the environment.
        let credentials = ProfileFileCredentialsProvider::builder().profile_name(profile).build();
        loader = loader.profile_name(profile).credentials_provider(credentials);
    }
    if let Some(keys) = keys {
        loader = loader.credentials_provider(keys.clone());
    }
    if let Some(endpoint_url) = &settings.endpoint_url {
        loader = loader.endpoint_url(endpoint_url);
    }
    if let Some(name) = program.and_then(|it| AppName::new(it).ok()) {
        loader = loader.app_name(name);
    }
    loader.load().await
}

/// A service's client, made at the first call: making one costs cold-start time for a client that may never be needed.
pub(crate) struct Client<C> {
    connection: Connection,
    make: fn(&SdkConfig) -> C,
    made: OnceCell<C>,
}

impl<C> Client<C> {
    /// A client, not yet made.
    pub(crate) fn new(connection: &Connection, make: fn(&SdkConfig) -> C) -> Self {
        Self { connection: connection.clone(), make, made: OnceCell::new() }
    }

    /// The SDK's client.
    pub(crate) async fn get(&self) -> &C {
        self.made.get_or_init(async || (self.make)(self.connection.config().await)).await
    }

    /// The connection it uses.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl<C> fmt::Debug for Client<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.connection).finish()
    }
}

#[cfg(test)]
mod tests;
