//! World Mining Data in its wide form. The figures are invented: the publisher's terms do not let them be
//! passed on.
use orewatch_formats::Metadata;
use proptest::prelude::*;

use crate::tables::{take, take_one};

const HEADER: &str = "material,Country,Country_Code,Country_ISO,2021,2022,unit,data_source";

#[test]
fn commodities_become_series() {
    let content = format!(
        "{HEADER}\nCobalt,\"Congo, D.R.\",180,COD,100.0,63580.00000000001,metr. \
         t,r\nCobalt,Türkiye,792,TUR,,7.0,metr. t,e\n\
         Cobalt,Total,DELETE,DELETE,100.0,70.0,metr. t,nan\nAluminium,China,156,CHN,10.0,11.0,metr. t,p\n\
         Bauxite,China,156,CHN,40.0,41.0,metr. t,r\nLithium (Li2O),Chile,152,CHL,1000.0,2000.0,metr. t,r\n\
         Platinum,South Africa,710,ZAF,120000.0,0.0,kg,r\nRare Earths (REO),Taiwan,490,S19,1.0,2.0,metr. \
         t,r\n\
         Silver,Kosovo,697,R20,5.0,6.0,kg,r\nSilver,French \
         Guiana,328,GUY,7.0,8.0,kg,r\nSilver,Guyana,328,GUY,9.0,10.0,kg,r\n\
         Natural Gas,Algeria,12,DZA,1.0,2.0,Mio m3,r\n\"Talc, Steatite & \
         Pyrophyllite\",Algeria,12,DZA,1.0,,metr. t,r\n"
    );
    let taken = take_one("wide.csv", content);
    assert_eq!(
        taken.rows,
        [
            "2021,COD,cobalt,mined,100,content @2:5",
            "2022,COD,cobalt,mined,63580.00000000001,content @2:6",
            "2021,TUR,cobalt,mined,Unavailable,content,estimated @3:5",
            "2022,TUR,cobalt,mined,7,content,estimated @3:6",
            "2021,CHN,aluminium,refined,10,content @5:5",
            "2022,CHN,aluminium,refined,11,content @5:6",
            "2021,CHN,aluminium,mined,40,gross @6:5",
            "2022,CHN,aluminium,mined,41,gross @6:6",
            "2021,CHL,lithium,mined,464,content @7:5",
            "2022,CHL,lithium,mined,928,content @7:6",
            "2021,ZAF,platinum,mined,120,content @8:5",
            "2022,ZAF,platinum,mined,0,content @8:6",
            "2021,TWN,rare-earths,mined,1,rare-earth-oxide @9:5",
            "2022,TWN,rare-earths,mined,2,rare-earth-oxide @9:6",
            "2021,XKX,silver,mined,0.005,content @10:5",
            "2022,XKX,silver,mined,0.006,content @10:6",
            "2021,GUF,silver,mined,0.007,content @11:5",
            "2022,GUF,silver,mined,0.008,content @11:6",
            "2021,GUY,silver,mined,0.009000000000000001,content @12:5",
            "2022,GUY,silver,mined,0.01,content @12:6",
        ]
    );
    assert_eq!(taken.counts(), (20, 4, 0));
    let declared = taken.totals.declared.as_ref().unwrap();
    assert_eq!((declared.compared, declared.differing), (2, 1));
    assert_eq!((declared.worst[0].declared, declared.worst[0].summed), (70.0, 63_587.000_000_000_01));
    assert_eq!((&*taken.release.dataset, &*taken.release.parser), ("wmd", "wmd/1"));
}

/// Other editions have other years, another order of columns, and other remarks behind a name.
#[test]
fn other_editions_are_read() {
    let header = "Country,Country_ISO,unit,material,2016,2017,2018,data_source";
    let taken = take_one(
        "2018.csv",
        format!("{header}\nChile,CHL,metr. t,Tungsten,1,2,3,r\nPeru,PER,t,Vanadium,4,nan,6,e\n"),
    );
    assert_eq!(taken.rows.len(), 6);
    assert_eq!(taken.rows[0], "2016,CHL,tungsten,mined,1,content @2:5");
    assert_eq!(taken.rows[4], "2017,PER,vanadium,mined,Unavailable,content,estimated @3:6");
}

#[test]
fn wrong_rows_are_rejected_with_their_codes() {
    let cases = [
        ("Unobtainium,Chile,152,CHL,1.0,2.0,metr. t,r", "material,unknown-material,Unobtainium"),
        ("Lithium,Chile,152,CHL,1.0,2.0,metr. t,r", "material,unknown-material,Lithium"),
        ("Cobalt,Atlantis,1,ATL,1.0,2.0,metr. t,r", "Country,unknown-economy,Atlantis"),
        ("Cobalt,Chile,152,CHL,1.0,2.0,ct,r", "unit,unknown-unit,ct"),
        ("Cobalt,Chile,152,CHL,1.0,2.0,metr. t,x", "data_source,invalid-flag,x"),
        ("Cobalt,Chile,152,CHL,-1.0,-2.0,metr. t,r", ",negative-figure,-"),
        ("Cobalt,Chile,152,CHL,1 000,2 000,metr. t,r", ",invalid-number,"),
        ("Cobalt,Chile,152,CHL,W,NA,,", "unit,unknown-unit,"),
    ];
    for (row, expected) in cases {
        let taken = take_one("wide.csv", format!("{HEADER}\n{row}\n"));
        let (recorded, outside, rejected) = taken.counts();
        assert_eq!((recorded + rejected, outside), (2, 0), "{row}");
        assert!(taken.aside().iter().all(|text| text.contains(expected)), "{row}: {:?}", taken.aside());
    }
    let cut = take_one(
        "wide.csv",
        format!("{HEADER}\nCobalt,Chile,152,CHL,1.0,2.0,metr. t,r\nCobalt,Chile,152,CHL,W,NA\n"),
    );
    assert_eq!(cut.counts(), (2, 0, 1), "a row that is cut off is quarantined as a whole");
    assert!(cut.aside()[0].contains("field-count-mismatch"), "{:?}", cut.aside());
    let twice =
        take_one("wide.csv", format!("{HEADER}\n{0}\n{0}\n", "Cobalt,Chile,152,CHL,1.0,2.0,metr. t,r"));
    assert_eq!(twice.aside()[0], "3,,duplicate-key,2021,CHL,cobalt,mined");
}

proptest! {
    /// Whatever stands in a file of this form: it is read or refused, and what is read adds up.
    #[test]
    fn nothing_is_lost(rows in prop::collection::vec("(Cobalt|Zinc|Gold|x)(,(Chile|CHL|Total|1|2.5|kg|metr. \
                                                      t|e|r|\"|)){0,9}", 0..20)) {
        let content = format!("{HEADER}\n{}", rows.join("\n"));
        if let Ok(taken) = take(&[("wide.csv", content)], &Metadata::default()) {
            taken.counts();
        }
    }
}
