//! Declares the enum of the events of a log. The build calls this macro once for each log, with the messages
//! that the contracts mark as events (`build/events.rs`).
//!
//! An event on a log has the full name of its message as its type. A reader finds that name in the enum of
//! types, which costs nothing, and decodes the data only if it wants the event:
//!
//! ```
//! use orewatch_contracts::exposure::v1::{ExposureEvent, ExposureEventKind, ReleaseApplied};
//!
//! let applied = ReleaseApplied { material: "cobalt".to_owned(), ..ReleaseApplied::default() };
//! let event = ExposureEvent::from(applied);
//! assert_eq!(event.kind().name(), "orewatch.exposure.v1.ReleaseApplied");
//!
//! // `None` is a type that a later version of the service writes: readers pass over it.
//! let kind = ExposureEventKind::from_name("orewatch.exposure.v1.ReleaseApplied");
//! assert_eq!(kind, Some(ExposureEventKind::ReleaseApplied));
//! assert_eq!(ExposureEvent::decode(event.kind(), event.encode()), Ok(event));
//! ```
//!
//! A `match` over either enum lists every event: a new one is then an error of the compiler wherever it has
//! to be considered.

/// Declares the enum of a log's events and the enum of their types.
macro_rules! event_enum {
    (
        $log:literal, $event:ident, $kind:ident:
        $($(#[doc = $says:literal])+ $message:ident = $name:literal,)+
    ) => {
        #[doc = concat!("An event of the ", $log, " log.")]
        #[derive(Clone, Debug, PartialEq)]
        pub enum $event {
            $($(#[doc = $says])+ $message($message),)+
        }

        #[doc = concat!("Type of an [`", stringify!($event), "`].")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $kind {
            $($(#[doc = $says])+ $message,)+
        }

        impl $kind {
            /// Every type of event, in the order of the contracts.
            pub const ALL: &'static [Self] = &[$(Self::$message),+];

            /// The type as it stands on the log: the full name of the protobuf message.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$message => $name,)+ }
            }

            /// Name of the protobuf message without its package.
            #[must_use]
            pub const fn message_name(self) -> &'static str {
                match self { $(Self::$message => stringify!($message),)+ }
            }

            /// Finds a type by its name on the log. `None`: this version does not know it.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$message),)+
                    _ => None,
                }
            }
        }

        impl $event {
            /// Type of the event.
            #[must_use]
            pub const fn kind(&self) -> $kind {
                match self { $(Self::$message(_) => $kind::$message,)+ }
            }

            /// The protobuf message, as it stands on the log.
            #[must_use]
            pub fn encode(&self) -> ::bytes::Bytes {
                match self { $(Self::$message(message) => ::prost::Message::encode_to_vec(message),)+ }.into()
            }

            /// Reads the data of an event.
            ///
            /// # Errors
            /// If the data are not the message that the type names.
            pub fn decode(kind: $kind, data: ::bytes::Bytes) -> Result<Self, ::prost::DecodeError> {
                match kind {
                    $($kind::$message => <$message as ::prost::Message>::decode(data).map(Self::$message),)+
                }
            }

            /// Reads an event of the log. `None`: this version does not know its type.
            ///
            /// # Errors
            /// [`Corrupt`](crate::log::Error::Corrupt) if the data are not the message that the type names.
            pub fn read(event: &crate::log::Event) -> Result<Option<Self>, crate::log::Error> {
                let Some(kind) = $kind::from_name(&event.kind) else { return Ok(None) };
                let read = Self::decode(kind, event.data.clone());
                read.map(Some).map_err(|error| crate::log::Error::undecodable(event, &error))
            }
        }

        $(impl From<$message> for $event {
            fn from(message: $message) -> Self {
                Self::$message(message)
            }
        })+
    };
}

pub(crate) use event_enum;
