"""Prints coalition-oracle.csv: allocations of small random markets, solved by HiGHS. Needs scipy."""
import random

from scipy.optimize import linprog


def solve(objective, rows, limits, bounds):
    done = linprog(objective, A_ub=rows, b_ub=limits, bounds=bounds, method="highs")
    assert done.status == 0, done.message
    return done.fun


def case(rng):
    suppliers, buyers = rng.randint(2, 5), rng.randint(1, 5)
    supply = [rng.randint(0, 100) for _ in range(suppliers)]
    demand = [rng.randint(1, 60) for _ in range(buyers)]
    routes, left, need = {}, supply[:], demand[:]
    for c in range(suppliers):
        for b in range(buyers):
            if rng.random() < 0.5:
                contracted = rng.randint(0, max(0, min(left[c], need[b]) // 3))
                most = rng.choice(["inf", str(contracted + rng.randint(0, 30))])
                routes[c, b] = (rng.randint(0, 20), contracted, most)
                left[c] -= contracted
                need[b] -= contracted
    return supply, demand, routes


def lexicographic(supply, demand, routes):
    """Least dependence on supplier 0 of the worst buyer, then least shortage, then least change; all buyers act."""
    suppliers, buyers = len(supply), len(demand)
    term = lambda c, b: routes.get((c, b), (0, 0, "inf"))
    flows = [(c, b) for c in range(suppliers) for b in range(buyers)]
    count = len(flows)
    # Variables: t, flows, shortages, moves.
    width = 1 + count + buyers + count
    row = lambda entries: [entries.get(place, 0.0) for place in range(width)]
    flow = {key: 1 + place for place, key in enumerate(flows)}
    short = [1 + count + b for b in range(buyers)]
    move = {key: 1 + count + buyers + place for place, key in enumerate(flows)}
    rows, limits = [], []
    for c in range(suppliers):
        rows.append(row({flow[c, b]: 1.0 for b in range(buyers)})), limits.append(supply[c])
    for b in range(buyers):
        others = {flow[c, b]: -1.0 for c in range(1, suppliers)}
        rows.append(row({**others, 0: -float(demand[b])})), limits.append(-demand[b])
        rows.append(row({flow[c, b]: 1.0 for c in range(suppliers)})), limits.append(demand[b])
        rows.append(row({**{flow[c, b]: -1.0 for c in range(suppliers)}, short[b]: -1.0})), limits.append(-demand[b])
    for key in flows:
        today = term(*key)[0]
        rows.append(row({flow[key]: 1.0, move[key]: -1.0})), limits.append(today)
        rows.append(row({flow[key]: -1.0, move[key]: -1.0})), limits.append(-today)
    bounds = [(0, 1)] + [(term(*key)[1], None if term(*key)[2] == "inf" else float(term(*key)[2])) for key in flows]
    bounds += [(0, None)] * (buyers + count)
    answer = []
    for objective in ({0: 1.0}, {place: 1.0 for place in short}, {place: 1.0 for place in move.values()}):
        least = solve(row(objective), rows, limits, bounds)
        answer.append(least)
        rows.append(row(objective)), limits.append(least + 1e-9)
    return answer


def main():
    rng = random.Random(2026)
    print("# publisher: Orewatch")
    print("# title: allocations of coalitions, solved by HiGHS through scipy; supplier 0 is dominant and all buyers act")
    print("# where: data/coalition_oracle.py in this crate")
    print("supply,demand,routes,dependence,shortage,moved")
    for _ in range(80):
        supply, demand, routes = case(rng)
        text = " ".join(f"{c}:{b}:{today}:{contracted}:{most}" for (c, b), (today, contracted, most) in routes.items())
        dependence, shortage, moved = lexicographic(supply, demand, routes)
        print(f"{' '.join(map(str, supply))},{' '.join(map(str, demand))},{text},{dependence:.9f},{shortage:.6f},{moved:.6f}")


main()
