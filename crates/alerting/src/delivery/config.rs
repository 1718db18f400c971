//! What the operator of the service says about delivery.

/// What the operator of the service says about delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Address without path at which people reach this service, such as `https://orewatch.example.org`; links in messages begin
    /// with it. None: messages name the command to type instead.
    pub public_url: Option<String>,
}
