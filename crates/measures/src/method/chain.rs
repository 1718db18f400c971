//! Measures through several stages.

use super::{BY_QUANTITY, Input, Measure, Method, Symbol, Table, input, symbol};

const CITATION: &str = "Kastner, Kastner and Nonhebel (2011), Ecological Economics 70: 1032-1040, stage by \
                        stage; stages joined by what makers use, as in the physical tables of Bruckner et \
                        al. (2019), FABIO, Environmental Science and Technology 53: 11302-11312";

const MADE: Symbol = symbol(
    "M_jm",
    "share of manufacturer m in the use of consumer j at the manufactured stage, by true \
                    origin",
);
const REFINED: Symbol =
    symbol("R_mi", "share of refiner i in the use of m at the refined stage, by true origin");
const MINED: Symbol =
    symbol("O_il", "share of mining economy l in the use of i at the mined stage, by true origin");
const SUPPLIER: Symbol = symbol("S", "the supplier");
const COVER: Symbol = symbol(
    "k_i",
    "share of the input that i's output needs and its use covers, min(1, use / (output / yield)); the rest \
     is of unknown origin",
);
const MADE_IN: Symbol = symbol("M_S", "share of the use of j that was manufactured in the supplier");
const REFINED_IN: Symbol = symbol("R_S", "share of the use of j whose material was refined in the supplier");
const MINED_IN: Symbol = symbol("O_S", "share of the use of j whose material was mined in the supplier");

const NETWORKS: Input = input(
    "flows and output at each stage",
    "As for lookthrough-share at each stage. At a stage without figures the origin of all that passes \
     through it is unknown: its share lies between 0 and 1. Unavailable where the market itself has no true \
     origins.",
);

const YIELDS: Input = input(
    "conversion-yield: tonnes made per tonne used of the stage before",
    "The output of an economy has the same origins as its use. If its use covers only a part of the input \
     that its output needs, the rest is of unknown origin: the lower bound assigns it to no economy, the \
     upper bound to the supplier. Without a yield, or if the stages are on different bases, this is not \
     checked, and the reason says so.",
);

/// What the measures have in common.
const SHARES: Method = Method {
    measure: Measure::ChainMinedShare,
    title: "Share of a consumer's use whose material was mined in a supplier, traced through all stages up \
            to this one.",
    name: "chain-mined-share",
    id: "chain-mined-share/1",
    formula: "sum over m of M_jm * sum over i of R_mi k_i * O_iS, up to the stage of the market",
    symbols: &[MADE, REFINED, COVER, MINED, SUPPLIER, MADE_IN, REFINED_IN, MINED_IN],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[NETWORKS, YIELDS],
    lines: &[],
    citation: CITATION,
    table: Table::Both,
    has_supplier: true,
    weights: BY_QUANTITY,
};

pub(super) static CHAIN_MINED_SHARE: Method = SHARES;

pub(super) static CHAIN_REFINED_SHARE: Method = Method {
    measure: Measure::ChainRefinedShare,
    title: "Share of a consumer's use whose material was refined in a supplier, traced through all stages up \
            to this one.",
    name: "chain-refined-share",
    id: "chain-refined-share/1",
    formula: "sum over m of M_jm k_m * R_mS, up to the stage of the market",
    symbols: &[MADE, COVER, REFINED, SUPPLIER, MADE_IN, REFINED_IN, MINED_IN],
    ..SHARES
};

pub(super) static CHAIN_MADE_SHARE: Method = Method {
    measure: Measure::ChainMadeShare,
    title: "Share of a consumer's use that was manufactured in a supplier.",
    name: "chain-made-share",
    id: "chain-made-share/1",
    formula: "M_jS",
    symbols: &[MADE, SUPPLIER, MADE_IN, REFINED_IN, MINED_IN],
    inputs: &[NETWORKS],
    ..SHARES
};

pub(super) static CHAIN_ANY_SHARE: Method = Method {
    measure: Measure::ChainAnyShare,
    title: "Share of a consumer's use that was mined, refined or manufactured in a supplier, at any stage up \
            to this one.",
    name: "chain-any-share",
    id: "chain-any-share/1",
    formula: "1 - sum over m not S of M_jm * sum over i not S of R_mi * (1 - O_iS), up to the stage of the \
              market",
    symbols: &[MADE, REFINED, MINED, SUPPLIER, COVER, MADE_IN, REFINED_IN, MINED_IN],
    ..SHARES
};
