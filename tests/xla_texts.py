"""HLO by hand, in the form of XLA's dumps: small modules for the tests of its reader."""

from __future__ import annotations

HEAD = (
    "HloModule {name}, is_scheduled=true, entry_computation_layout={{(f32[8,128]{{1,0}})->f32[]}}"
)
TILED = "f32[8,128]{1,0:T(8,128)}"  # 4096 bytes
FLAT = "f32[1024]{0:T(1024)}"
FAST = "f32[8,128]{1,0:T(8,128)S(1)}"

CHAIN = f"""{HEAD.format(name="chain")}

FileNames
1 "somewhere.py"

%fused (p: f32[8,128], q: f32[8,128]) -> f32[8,128] {{
  %p = {TILED} parameter(0)
  %q = {TILED} parameter(1)
  ROOT %sum = {TILED} add(%p, %q), metadata={{op_name="jit(f)/add, \\"a=b\\" (c" stack_frame_id=2}}
}}

ENTRY %main (x: f32[8,128], w: f32[8,128]) -> f32[8,128] {{
  %x = {TILED} parameter(0), sharding={{replicated}}
  %w = {TILED} parameter(1)
  %fusion.1 = {TILED} fusion(%x, %w), kind=kLoop, calls=%fused
  %view = {FLAT} bitcast(%fusion.1)
  %pair = ({FLAT}, {TILED}) custom-call(%view, /*index=1*/%w), custom_call_target="two"
  %first = {FLAT} get-tuple-element(%pair), index=0
  %second = {TILED} get-tuple-element(%pair), index=1
  %back = {TILED} bitcast(%first)
  ROOT %fusion.2 = {TILED} fusion(%back, %second), kind=kLoop, calls=%fused
}}
"""

LOOP = f"""{HEAD.format(name="loop")}

%body (carried: (s32[], f32[8,128], f32[8,128])) -> (s32[], f32[8,128], f32[8,128]) {{
  %one = s32[] constant(1)
  %carried = (s32[], {TILED}, {TILED}) parameter(0)
  %i = s32[] get-tuple-element(%carried), index=0
  %next = s32[] add(%i, %one)
  %state = {TILED} get-tuple-element(%carried), index=1
  %weight = {TILED} get-tuple-element(%carried), index=2
  %grown = {TILED} multiply(%state, %weight)
  ROOT %out = (s32[], {TILED}, {TILED}) tuple(%next, %grown, %weight)
}}

%condition (carried: (s32[], f32[8,128], f32[8,128])) -> pred[] {{
  %carried.1 = (s32[], {TILED}, {TILED}) parameter(0)
  %limit = s32[] constant(6)
  %i.1 = s32[] get-tuple-element(%carried.1), index=0
  ROOT %less = pred[] compare(%i.1, %limit), direction=LT
}}

ENTRY %main (x: f32[8,128], w: f32[8,128]) -> f32[8,128] {{
  %x = {TILED} parameter(0)
  %w = {TILED} parameter(1)
  %zero = s32[] constant(0)
  %start = s32[] copy(%zero)
  %state.0 = {TILED} copy(%x)
  %init = (s32[], {TILED}, {TILED}) tuple(%start, %state.0, %w)
  %while = (s32[], {TILED}, {TILED}) while(%init), condition=%condition, body=%body
  ROOT %result = {TILED} get-tuple-element(%while), index=1
}}
"""

UPDATE = f"""{HEAD.format(name="update")}

%fused (target: f32[64,128], row: f32[8,128], at: s32[]) -> f32[64,128] {{
  %target = f32[64,128]{{1,0:T(8,128)}} parameter(0)
  %row = {TILED} parameter(1)
  %at = s32[] parameter(2)
  %zero = s32[] constant(0)
  ROOT %put = f32[64,128]{{1,0:T(8,128)}} dynamic-update-slice(%target, %row, %at, %zero)
}}

ENTRY %main (x: f32[64,128], row: f32[8,128], at: s32[]) -> f32[64,128] {{
  %x = f32[64,128]{{1,0:T(8,128)}} parameter(0)
  %row = {TILED} parameter(1)
  %at = s32[] parameter(2)
  %made = f32[64,128]{{1,0:T(8,128)}} negate(%x)
  %changed = f32[64,128]{{1,0:T(8,128)}} fusion(%made, %row, %at), kind=kLoop, calls=%fused
  ROOT %done = f32[64,128]{{1,0:T(8,128)}} negate(%changed)
}}
"""

# CHAIN's kind of program before and after memory space assignment, and what its log would say
BEFORE = f"""{HEAD.format(name="placed")}

ENTRY %main (x: f32[8,128], w: f32[8,128]) -> f32[8,128] {{
  %x = {TILED} parameter(0)
  %w = {TILED} parameter(1)
  %a = {TILED} negate(%x)
  %b = {TILED} negate(%a)
  %c = {TILED} add(%b, %a)
  ROOT %d = {TILED} multiply(%c, %w)
}}
"""

COPY = f"({FAST}, {TILED}, u32[]{{:S(2)}})"
BACK = f"({TILED}, {FAST}, u32[]{{:S(2)}})"
AFTER = f"""{HEAD.format(name="placed")}

ENTRY %main (x: f32[8,128], w: f32[8,128]) -> f32[8,128] {{
  %x = {TILED} parameter(0)
  %w = {TILED} parameter(1)
  %a = {FAST} negate(%x)
  %copy-start = {COPY} copy-start(%w)
  %copy-start.1 = {BACK} copy-start(%a)
  %b = {FAST} negate(%a)
  %copy-done.1 = {TILED} copy-done(%copy-start.1)
  %c = {FAST} add(%b, %copy-done.1)
  %copy-done = {FAST} copy-done(%copy-start)
  ROOT %d = {TILED} multiply(%c, %copy-done)
}}
"""

BUFFERS = """BufferAssignment:
allocation 0: size 4096, parameter 0, shape |f32[8,128]| at ShapeIndex {}:
 value: <1 x @0> (size=4096,offset=0): f32[8,128]{1,0:T(8,128)}
allocation 5: size 16384, color 1, preallocated-temp:
 value: <7 a @1> (size=4096,offset=8192): f32[8,128]{1,0:T(8,128)S(1)}
 value: <8 b @1> (size=4096,offset=4096): f32[8,128]{1,0:T(8,128)S(1)}
 value: <9 c @1> (size=4096,offset=12288): f32[8,128]{1,0:T(8,128)S(1)}
 value: <9 copy-start{0} @1> (size=4096,offset=0): f32[8,128]{1,0:T(8,128)S(1)}

Total bytes used: 1
"""


def cost_lines(instruction: str, seconds: float, operands: list[int], result: int) -> str:
    """What the cost model logs about one instruction."""
    total = sum(operands) + result
    rows = [("compute-seconds", "-", "-", seconds), ("total-bytes-accessed", "-", "-", total)]
    rows += [("operand-bytes-accessed", n, "{}", size) for n, size in enumerate(operands)]
    rows += [("output-bytes-accessed", "-", "{}", result)]
    return "".join(
        f"I1 00:00:00 7 op_cost.cc:571] Cost for <type={kind},computation=main,"
        f"instruction={instruction},operand_num={number},shape_index={index}> is {value:g}\n"
        for kind, number, index, value in rows
    )


def run_line(number: int, instruction: str, elapsed: float) -> str:
    """A line of the simulator."""
    return (
        f"I1 00:00:00 7 simulator.cc:88] {number}: instruction: {instruction}; elapsed:"
        f" {elapsed:g}; cumulative available transfer bytes: 0; trip count: 1; alt mem usage: 0\n"
    )
