//! What names are names of, as the table of names says it.

/// What a name is a name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum NameClass {
    /// An economy, or several whose names are written as one.
    Economy,
    /// An adjective of an economy or bloc.
    Demonym,
    /// A city that may stand for a government.
    Capital,
    /// A bloc of the catalogue.
    Bloc,
    /// Another organisation. After a colon: where it belongs.
    Organisation,
    /// A medium, or a word for one.
    Media,
    /// What a speaker is. After a colon: where the speaker belongs unless the text says otherwise.
    Role,
    /// Stands for the last speaker.
    Pronoun,
    /// Stands for the last economy.
    CountryAnaphor,
    /// Stands for the last bloc.
    BlocAnaphor,
    /// A material of the catalogue.
    Material,
    /// A product.
    Product,
    /// Looks like a name, and is none.
    Nothing,
    /// Decides what an ambiguous name means.
    Evidence,
    /// A name of several.
    Ambiguous,
}

impl NameClass {
    /// The class that a table names.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "economy" => Self::Economy,
            "demonym" => Self::Demonym,
            "capital" => Self::Capital,
            "bloc" => Self::Bloc,
            "organisation" => Self::Organisation,
            "media" => Self::Media,
            "role" => Self::Role,
            "pronoun" => Self::Pronoun,
            "country-anaphor" => Self::CountryAnaphor,
            "bloc-anaphor" => Self::BlocAnaphor,
            "material" => Self::Material,
            "product" => Self::Product,
            "none" => Self::Nothing,
            "evidence" => Self::Evidence,
            "ambiguous" => Self::Ambiguous,
            _ => return None,
        })
    }

    /// Identifier of the rule that finds such names.
    pub(crate) const fn rule(self) -> &'static str {
        match self {
            Self::Economy => "name.economy",
            Self::Demonym => "name.demonym",
            Self::Capital => "name.capital",
            Self::Bloc => "name.bloc",
            Self::Organisation => "name.organisation",
            Self::Media => "name.media",
            Self::Role => "name.role",
            Self::Pronoun => "name.pronoun",
            Self::CountryAnaphor => "name.country-anaphor",
            Self::BlocAnaphor => "name.bloc-anaphor",
            Self::Material => "name.material",
            Self::Product => "name.product",
            Self::Nothing => "name.none",
            Self::Evidence => "name.evidence",
            Self::Ambiguous => "name.ambiguous",
        }
    }

    /// Whether its names are words that have a capital at the beginning of a sentence only.
    pub(crate) const fn is_ordinary_word(self) -> bool {
        matches!(self, Self::Material | Self::Product | Self::Role | Self::Media | Self::Pronoun)
    }

    /// Whether its names may have the ending of a genitive, where the language has one.
    pub(crate) const fn has_genitive(self) -> bool {
        matches!(self, Self::Economy | Self::Material | Self::Capital)
    }

    /// Whether its names may act or be acted upon.
    pub(crate) const fn is_party(self) -> bool {
        matches!(
            self,
            Self::Economy
                | Self::Demonym
                | Self::Capital
                | Self::Bloc
                | Self::Organisation
                | Self::CountryAnaphor
                | Self::BlocAnaphor
        )
    }
}
