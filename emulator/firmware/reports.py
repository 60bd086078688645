"""What the pump answers to an interrogation: one function for each section."""

from __future__ import annotations

from collections.abc import Callable

from emulator.firmware import alarms
from emulator.firmware.alarm_table import BY_CODE, PRIORITIES
from emulator.firmware.allowance import age_ledgers, grants_today
from emulator.firmware.meters import bridge_remaining_nl
from emulator.firmware.pump import Pump
from emulator.firmware.therapy import not_delivered_nl
from emulator.hardware.line import drug_free_nl
from protocol.messages import (
    DIGEST_OCTETS,
    NO_DIGEST,
    NO_GRANT,
    AlarmEntry,
    AlarmsReport,
    BatteryReport,
    DrugTotal,
    IdentityReport,
    Message,
    Prescription,
    PrescriptionReport,
    ReservoirReport,
    Schedule,
    ScheduleReport,
    TherapyReport,
    TotalsReport,
)
from protocol.prescription_digest import digest_of, schedule_digest
from protocol.units import Milliseconds, Nanolitres, NanolitresPerDay, Picograms
from protocol.vocabulary import Mode, Section

COUNTED_MOST = (1 << 32) - 1
"""What fits the field of a count."""
FIRMWARE_VERSION = "thecal 0.1"
MOST_DRUGS_SHOWN = 5
WALL_CLOCK_WRAPS_AT = 1 << 64
"""Any time can be set; one that runs past its field begins again, because nothing may depend on it."""


def identity(pump: Pump) -> IdentityReport:
    """Say who the pump is."""
    profile = pump.profile
    return IdentityReport(
        serial=pump.identity.serial,
        model=profile.model,
        profile=profile.name,
        firmware=FIRMWARE_VERSION,
        library=pump.library.digest if pump.library else bytes(DIGEST_OCTETS),
        rate_min=profile.rate_min,
        rate_max=profile.rate_max,
        rate_minimum_mode=profile.minimum_rate,
        stroke=profile.stroke,
        tubing=profile.tubing,
        catheter=profile.catheter,
    )


def prescription(pump: Pump) -> PrescriptionReport:
    """Say what is prescribed."""
    stored = pump.therapy.prescription
    if stored is None:
        nothing = Prescription(
            Mode.STOPPED, NanolitresPerDay(0), (), NO_GRANT, Nanolitres(0), bytes(DIGEST_OCTETS), ""
        )
        return PrescriptionReport(confirmed=False, digest=bytes(DIGEST_OCTETS), prescription=nothing)
    return PrescriptionReport(pump.record.confirmed, digest_of(stored, pump.identity.serial), stored)


def therapy(pump: Pump) -> TherapyReport:
    """Say what the pump is doing."""
    model, record = pump.therapy, pump.record
    count = model.prescription.patient_bolus.count_24h if model.prescription else 0
    return TherapyReport(
        pump_time=Milliseconds(pump.now),
        wall_clock=(pump.now + record.wall_offset_ms) % WALL_CLOCK_WRAPS_AT if record.wall_offset_ms else 0,
        state=model.state,
        rate=NanolitresPerDay(model.rate),
        bolus_remaining=Nanolitres(not_delivered_nl(model.running) if model.running else 0),
        suspended_remaining=Nanolitres(sum(not_delivered_nl(bolus) for bolus in model.suspended)),
        lockout_remaining=Milliseconds(max(0, record.lockout_until - pump.now)),
        boluses_left=max(0, count - len(grants_today(pump))),
        denied=record.denied,
        # Never 0 for a stop of this very instant: 0 says that the pump is not stopped.
        stopped_for=Milliseconds(max(1, pump.now - record.stopped_at) if record.stopped_at >= 0 else 0),
        bridge_remaining=Nanolitres(bridge_remaining_nl(pump)),
        drug_free=Nanolitres(drug_free_nl(pump.line)),
    )


def schedule(pump: Pump) -> ScheduleReport:
    """Say by what schedule the pump infuses, if it is flex."""
    stored = pump.record.schedule
    if stored is None:
        return ScheduleReport(NO_DIGEST, Schedule(Milliseconds(0), bytes(7), ()))
    return ScheduleReport(schedule_digest(stored), stored)


def reservoir(pump: Pump) -> ReservoirReport:
    """Say what the reservoir holds by dead reckoning."""
    stored = pump.therapy.prescription
    low = stored.low_reservoir if stored else Nanolitres(0)
    return ReservoirReport(pump.profile.capacity, Nanolitres(pump.reservoir_nl), low)


def battery(pump: Pump) -> BatteryReport:
    """Say what charge is left, and for how long the pump may stay."""
    noticed = pump.noticed
    return BatteryReport(
        pump.body.battery_permille(),
        min(pump.identity.power_ups, COUNTED_MOST),
        eri=noticed.eri_at >= 0,
        replace_in=Milliseconds(max(0, noticed.replace_by - pump.now)),
    )


def raised_alarms(pump: Pump) -> AlarmsReport:
    """List every raised alarm."""
    entries = tuple(
        AlarmEntry(alarm.code, BY_CODE[alarm.code].priority, alarm.status, Milliseconds(alarm.raised_at))
        for alarm in alarms.in_order(pump.panel, PRIORITIES)
    )
    silence = max(0, pump.panel.silenced_until - pump.now)
    return AlarmsReport(alarms.word(pump.panel), Milliseconds(silence), entries)


def totals(pump: Pump) -> TotalsReport:
    """Say what was delivered, and what the dose guard's ledgers hold."""
    age_ledgers(pump)
    drugs = tuple(
        DrugTotal(
            code,
            Picograms(pump.delivered.get(code, 0)),
            Picograms(outlet.hour.total),
            Picograms(outlet.day.total),
            Picograms(tip.day.total),
            Picograms(outlet.limit_24h),
        )
        for code, outlet, tip in pump.ledgers[:MOST_DRUGS_SHOWN]
    )
    return TotalsReport(Nanolitres(pump.volume_nl), pump.strokes, drugs)


REPORTS: dict[Section, Callable[[Pump], Message]] = {
    Section.IDENTITY: identity,
    Section.PRESCRIPTION: prescription,
    Section.THERAPY: therapy,
    Section.RESERVOIR: reservoir,
    Section.BATTERY: battery,
    Section.ALARMS: raised_alarms,
    Section.TOTALS: totals,
    Section.SCHEDULE: schedule,
}
