"""Everything that a template can name, from records and comparisons."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from thermark.report import notices
from thermark.report.blog.figures import WIDTHS, Drawing
from thermark.report.blog.post_tables import PostTable
from thermark.report.blog.template import Key, Markdown, escaped, tree
from thermark.report.grouping import nested
from thermark.report.notices import caveat
from thermark.report.number_format import long_unit, points, probability, shown, signed, unit
from thermark.report.results.comparisons import Comparisons, Family, Pair
from thermark.report.results.estimates import estimate, interval, value
from thermark.report.results.printed import columns
from thermark.report.results.ranking import most_found, ranked
from thermark.report.results.record import DataSet, Record, ResultSet

FROM = {"human": "people", "machine": "another network, corrected by nobody", "rendered": "the renderer"}


def numbers(sets: Mapping[str, ResultSet]) -> dict[str, Key]:
    """Return metric -> contestant -> data set -> value, with `low`, `high`, `faces` and so on behind it.

    The names of contestants that did not run are known, and have no number.
    """
    names = sorted(
        {name for by_contestant in sets.values() for record in by_contestant.records for name in record.metrics}
    )
    keys = {
        (metric, record.contestant, dataset): _number(f"{metric}.{record.contestant}.{dataset}", metric, record)
        for metric in names
        for dataset, results in sets.items()
        if any(metric in record.metrics for record in results.records)
        for record in results.records
    }
    return {metric: tree(metric, by_contestant) for metric, by_contestant in nested(keys).items()}


def _number(place: str, metric: str, record: Record) -> Key:
    one = estimate(record, metric)
    if one.value is None:
        return Key(place, {}, absent="nothing is known of any face" if record.ran else record.why)
    beside = {name: shown(metric, getattr(one, name)) for name in ("low", "high", "seed_std")}
    beside |= {"interval": interval(record, metric), "unit": unit(metric)}
    beside |= one.model_dump(include={"faces", "subjects"}) | record.model_dump(include={"seeds", "missed"})
    return Key(place, beside, shown(metric, one.value))


def data_sets(sets: Mapping[str, ResultSet], groups: Mapping[str, Mapping[str, str]]) -> Key:
    """Return data set -> its kind, its best contestant, and the contestants of that one's group."""
    return tree("data", {name: _data_set(name, results, groups.get(name, {})) for name, results in sets.items()})


def _data_set(name: str, results: ResultSet, groups: Mapping[str, str]) -> dict[str, Any]:
    data_set, protocol = results.data_set, results.protocol
    order = [record.contestant for record in ranked(results)]
    with_value = [record.contestant for record in ranked(results) if value(record, protocol.main) is not None]
    most = most_found(results)
    letter = groups.get(with_value[0], "") if with_value else ""
    return {
        **data_set.model_dump(include={"title", "faces", "subjects", "modality", "licence", "citation", "notes"}),
        "name": name,
        "caveat": caveat(data_set),
        "notice": notice(data_set),
        "labels": FROM[data_set.labels],
        "protocol": protocol.id,
        "error": protocol.main,
        "error_all": f"{protocol.main}_all",
        "cap": shown(protocol.main, protocol.miss),
        "unit": unit(protocol.main),
        "measure": long_unit(protocol.main),
        "order": with_value,
        "best": with_value[0] if with_value else "",
        "second": with_value[1] if len(with_value) > 1 else "",
        "most_found": [record.contestant for record in most],
        "ran": len(order),
        "listed": len(results.records),
        "letter": letter,
        "group": [record for record in order if letter and groups.get(record) == letter],
    }


def notice(data_set: DataSet) -> Markdown:
    """Return what the numbers of a data set are no evidence of, as a quotation."""
    return Markdown(notices.notice(data_set))


def contestants(sets: Mapping[str, ResultSet]) -> Key:
    """Return contestant -> data set -> what it is, and why it did not run."""
    facts = {
        (record.contestant, dataset): {
            **record.model_dump(include={"kind", "status", "reason", "tier", "trained_on", "boxes"}),
            "landmarks": record.points,
            "floor": shown(results.protocol.main, record.floor.value if record.floor else None),
            **{name: round(amount) for name, amount in record.exact.items()},
        }
        for dataset, results in sets.items()
        for record in results.records
    }
    return tree("contestant", nested(facts))


def family(declared: Family, table: PostTable, sets: Mapping[str, ResultSet]) -> Key:
    """Return a declared family: its question, its table and how many comparisons are decided."""
    names = {
        "name": declared.name,
        "question": declared.question,
        "table": table.as_markdown(),
        "count": len(declared.pairs),
        "decided": sum(pair.decided for pair in declared.pairs),
        "pairs": [_pair(pair, sets) for pair in declared.pairs],
    }
    return Key(f"family.{declared.name}", names)


def differences(comparisons: Comparisons, sets: Mapping[str, ResultSet]) -> Key:
    """Return a -> b -> data set -> the declared comparison of a with b."""
    pairs = (pair for declared in comparisons.families for pair in declared.pairs)
    return tree("difference", nested({(pair.a, pair.b, pair.dataset): _pair(pair, sets) for pair in pairs}))


def _pair(pair: Pair, sets: Mapping[str, ResultSet]) -> Key:
    place = f"difference.{pair.a}.{pair.b}.{pair.dataset}"
    metric = sets[pair.dataset].protocol.main if pair.dataset in sets else None
    if metric is None or pair.difference is None:
        return Key(place, {}, absent=columns(pair, None)["verdict"])
    beside = pair.model_dump(exclude={"difference", "difference_all"}) | {
        "low": signed(pair.low, metric),
        "high": signed(pair.high, metric),
        "p": probability(pair.p),
        "p_holm": probability(pair.p_holm),
        "mde": shown(metric, pair.mde),
        "unit": points(metric),
    }
    return Key(place, beside, signed(pair.difference, metric))


def figures(drawings: Sequence[Drawing], folder: str) -> Key:
    """Return kind -> data set -> a figure as Markdown; `html` is one that scales to a phone's width."""
    keys = {(drawing.kind, drawing.dataset): _figure(drawing, folder) for drawing in drawings}
    return tree("figure", nested(keys))


def _figure(drawing: Drawing, folder: str) -> Key:
    wide, narrow = (f"{folder}/{drawing.name}_{width}" for width in WIDTHS)
    numbers, alt = f"{folder}/{drawing.name}.csv", escape(drawing.alt).replace("{", "&#123;")
    html = (
        f'<picture><source media="(max-width: {WIDTHS[0] - 1}px)" srcset="{narrow}.svg">'
        f'<img src="{wide}.svg" alt="{alt}" width="{WIDTHS[0]}" loading="lazy"></picture>'
    )
    names = {
        "alt": drawing.alt,
        "csv": Markdown(numbers),
        "svg": Markdown(f"{wide}.svg"),
        "png": Markdown(f"{wide}.png"),
        "html": Markdown(html),
    }
    links = f"[numbers]({numbers}), [PNG]({wide}.png), [for phones]({narrow}.png)"
    text = Markdown(f"![{escaped(drawing.alt)}]({wide}.svg)\n\n{links}")
    return Key(f"figure.{drawing.kind}.{drawing.dataset}", names, text)
