"""Random orders and cases for hypothesis: letters of all kinds, HTML, every state, amounts of every size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from connector.model.case import (
    Accepted,
    Act,
    ActKind,
    ActState,
    Case,
    Note,
    RefundRecord,
    RefundState,
    ShipmentPlan,
    StatusChange,
)
from connector.model.flow import Stage
from connector.model.money import EXPONENTS, Money
from connector.model.order import (
    Address,
    Customer,
    Fee,
    LineItem,
    LineQuantity,
    Order,
    PlatformRefund,
    PlatformStatus,
    RefundPart,
    ShippingLine,
    TaxShare,
)
from connector.model.payment import Payment, PaymentEnd, PaymentKind
from connector.model.refunds import RefundRequest
from connector.model.review import Finding, Hold, HoldReason, Severity
from connector.model.shipping import Shipment


def examples(number: int) -> settings:
    """So many examples, the same ones each time: a red run can be repeated, and a slow machine is no failure."""
    ignored = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=number, deadline=None, derandomize=True, database=None, suppress_health_check=ignored)


currencies = st.sampled_from(sorted(EXPONENTS))
minors = st.integers(-(10**12), 10**12)
sizes = st.integers(0, 10**9)

NASTY = (
    "",
    "Zoë Łukasz",
    "👩‍👩‍👧 🇩🇪",
    "محمد علي",
    "<b>Bob</b> & <script>alert('1')</script>",
    "a\x00b",
    "\u202eevil\u202c",
    "'; DROP TABLE orders; --",
    '{"json": [1]}',
    "line\r\nbreak\t",
    "ﷺ" * 5,
)
words = st.one_of(st.sampled_from(NASTY), st.text(max_size=20))
names = st.text(st.characters(categories=["Ll", "Nd"]), min_size=1, max_size=8)


def times() -> st.SearchStrategy[datetime]:
    zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-8))])
    return st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=zones)


def money(currency: str, amounts: st.SearchStrategy[int] = sizes) -> st.SearchStrategy[Money]:
    return amounts.map(lambda minor: Money(minor=minor, currency=currency))


def built(of: Any, **fields: Any) -> st.SearchStrategy[Any]:
    return st.builds(of, **fields)


addresses = st.one_of(
    st.just(Address()),
    built(Address, **dict.fromkeys(Address.__dataclass_fields__, words)),
)
customers = built(Customer, **dict.fromkeys(Customer.__dataclass_fields__, words))


def payments(currency: str) -> st.SearchStrategy[Payment]:
    amount = money(currency)
    return built(
        Payment,
        id=names,
        kind=st.sampled_from(PaymentKind),
        gateway=words,
        title=words,
        transaction_id=words,
        due=amount,
        authorized=amount,
        captured=amount,
        refunded=amount,
        refund_pending=amount,
        disputed=amount,
        paid_at=st.none() | times(),
        ended=st.none() | st.sampled_from(PaymentEnd),
    )


def lines(currency: str) -> st.SearchStrategy[LineItem]:
    return built(
        LineItem,
        id=names,
        sku=words,
        name=words,
        quantity=st.integers(1, 20),
        product_id=names,
        variant_id=words,
        unit_price=st.decimals(0, 10**6, places=6).map(Decimal.normalize),
        total=money(currency),
        tax=money(currency),
        taxes=some(tax_shares(currency)),
        requires_shipping=st.booleans(),
        weight_g=st.none() | sizes,
        personal=st.lists(st.tuples(words, words), max_size=2).map(tuple),
    )


def some(of: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=most).map(tuple)


@st.composite
def orders(draw: st.DrawFn, *, currency: str = "", min_lines: int = 0) -> Order:
    currency = currency or draw(currencies)
    amount = money(currency)
    return Order(
        platform_id=draw(names),
        number=draw(words),
        status=draw(words),
        means=draw(st.sampled_from(PlatformStatus)),
        currency=currency,
        placed_at=draw(times()),
        updated_at=draw(times()),
        lines=tuple(draw(st.lists(lines(currency), min_size=min_lines, max_size=4, unique_by=lambda line: line.id))),
        shipping_lines=draw(
            some(built(ShippingLine, id=names, method=words, title=words, total=amount, tax=amount, pickup=st.booleans()))
        ),
        fees=draw(some(built(Fee, id=names, name=words, total=amount, tax=amount))),
        discount=draw(amount),
        tax=draw(amount),
        total=draw(amount),
        payments=draw(some(payments(currency))),
        refunds=draw(some(platform_refunds(currency))),
        customer=draw(customers),
        billing=draw(addresses),
        shipping=draw(addresses),
        customer_note=draw(words),
        staff_notes=draw(some(words)),
        tracking=draw(some(words)),
        stock_held=draw(st.none() | some(st.tuples(names, st.integers(0, 9)))),
        rehearsal=draw(words),
    )


def platform_refunds(currency: str) -> st.SearchStrategy[PlatformRefund]:
    return built(
        PlatformRefund,
        id=names,
        amount=money(currency),
        reason=words,
        at=st.none() | times(),
        money_moved=st.none() | st.booleans(),
        parts=some(refund_parts(currency)),
    )


def tax_shares(currency: str) -> st.SearchStrategy[TaxShare]:
    return built(TaxShare, rate_id=words, amount=money(currency))


def refund_parts(currency: str) -> st.SearchStrategy[RefundPart]:
    taxes = some(tax_shares(currency))
    return built(RefundPart, line_id=names, quantity=st.integers(0, 5), total=money(currency), taxes=taxes)


def quantities(line_ids: tuple[str, ...]) -> st.SearchStrategy[tuple[LineQuantity, ...]]:
    if not line_ids:
        return st.just(())
    return some(built(LineQuantity, line_id=st.sampled_from(line_ids), quantity=st.integers(1, 10)))


def refund_records(currency: str, line_ids: tuple[str, ...] = ()) -> st.SearchStrategy[RefundRecord]:
    request = built(
        RefundRequest,
        id=names,
        amount=money(currency, st.integers(1, 10**9)),
        payment_id=words,
        lines=quantities(line_ids),
        parts=some(refund_parts(currency)),
        restock=st.booleans(),
        reason=words,
    )
    return built(RefundRecord, request=request, state=st.sampled_from(RefundState), vendor_id=st.just("") | names)


def acts(line_ids: tuple[str, ...]) -> st.SearchStrategy[Act]:
    what = st.one_of(
        built(StatusChange, status=st.sampled_from(PlatformStatus)).map(lambda it: (ActKind.PUSH_STATUS, it)),
        built(Note, text=words, to_customer=st.booleans()).map(lambda it: (ActKind.WRITE_NOTE, it)),
        built(ShipmentPlan, lines=quantities(line_ids), carrier=words).map(lambda it: (ActKind.BUY_LABEL, it)),
    )
    answers = st.none() | st.dictionaries(names, st.none() | st.booleans() | st.integers() | words, max_size=2)

    @st.composite
    def act(draw: st.DrawFn) -> Act:
        kind, asked = draw(what)
        made = Act.of(draw(names), kind, asked, account=draw(words), after=draw(words))
        return Act(
            id=made.id,
            kind=made.kind,
            what=made.what,
            account=made.account,
            after=made.after,
            state=draw(st.sampled_from(ActState)),
            answer=draw(answers),
            said=draw(words),
        )

    return act()


holds = built(
    Hold,
    reason=st.sampled_from(HoldReason),
    text=words,
    who=words,
    since=times(),
    until=st.none() | times(),
    releases=words,
    code=words,
    by_review=st.booleans(),
)
findings = built(
    Finding,
    code=names,
    text=words,
    severity=st.sampled_from(Severity),
    kind=words,
    field=words,
    value=words,
    releases=words,
    said_by=words,
    reason=st.sampled_from(HoldReason),
)


@st.composite
def cases(draw: st.DrawFn, *, currency: str = "", min_lines: int = 0) -> Case:
    order = draw(orders(currency=currency, min_lines=min_lines))
    line_ids = tuple(line.id for line in order.lines)
    shipments = built(
        Shipment,
        id=names,
        lines=quantities(line_ids),
        carrier=words,
        tracking_number=words,
        vendor_id=words,
        shipped_at=st.none() | times(),
    )
    return Case(
        ref=f"shop/{order.platform_id}",
        account="a1",
        order=order,
        stage=draw(st.sampled_from(Stage)),
        holds=draw(some(holds)),
        findings=draw(some(findings)),
        accepted=draw(some(built(Accepted, code=names, text=words, who=words))),
        reviewed=draw(words),
        acts=draw(some(acts(line_ids))),
        shipments=draw(some(shipments)),
        refunds=draw(some(refund_records(order.currency, line_ids))),
        duties=draw(some(words)),
    )
