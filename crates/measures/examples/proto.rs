#![allow(missing_docs, clippy::all, clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]
use orewatch_measures::*;
use std::time::Instant;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let b = std::fs::read(path).unwrap();
    let u = |o: usize| u64::from_le_bytes(b[o..o + 8].try_into().unwrap()) as usize;
    let f = |o: usize| f64::from_le_bytes(b[o..o + 8].try_into().unwrap());
    let (ng, n) = (u(0), u(8));
    let mut o = 16;
    let mut ms = vec![];
    for _ in 0..ng {
        let (a, c) = (u(o), u(o + 8));
        o += 16;
        let mut fl = vec![];
        for _ in 0..a {
            let w = u(o);
            fl.push(Flow { from: (w & 0xffffffff) as u32, to: (w >> 32) as u32, amount: f(o + 8) });
            o += 16;
        }
        let mut p = vec![0.0; n];
        for _ in 0..c {
            p[u(o)] = f(o + 8);
            o += 16;
        }
        ms.push((p, fl));
    }
    let lim: usize = std::env::args().nth(2).map_or(ng, |s| s.parse().unwrap());
    let mut s = Solver::default();
    let mut m = Mixes::default();
    for _ in 0..3 {
        let t = Instant::now(); let mut t1=0.0;
        let mut sum = 0.0;
        let mut top = 0.0;
        for (p, fl) in &ms[..lim] {
            let q = Instant::now(); s.solve(p, fl, &mut m); t1 += q.elapsed().as_secs_f64();
            for e in 0..n as u32 {
                let (mut h, mut t) = (0.0, 0.0);
                for (_, x) in m.mix(e) {
                    h += x * x;
                    if x > t { t = x }
                }
                sum += h;
                top += t;
            }
        }
        let el = t.elapsed().as_secs_f64();
        println!("{:.4} (solve {:.4} {:?}) ms  hhi {sum:.9} top {top:.9}", el / lim as f64 * 1e3, t1 / lim as f64 * 1e3, 0);
    }
}
