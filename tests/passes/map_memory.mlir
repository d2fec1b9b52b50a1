// pipeline: group-operators{policy=none},map-memory{target=npu-256kib scratchpad=64 alignment=16}
// Three tensors of 16 bytes are alive at once at most: no spill.
module @chain {
  func.func public @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = stablehlo.abs %x : tensor<4xf32>
    %1 = stablehlo.sqrt %0 : tensor<4xf32>
    %2 = stablehlo.add %0, %1 : tensor<4xf32>
    return %2 : tensor<4xf32>
  }
}
// ---- becomes
module @chain attributes {mem.configuration = {objective = "traffic", seconds = 1.000000e+01 : f64, seed = 0 : i64, solver = "auto", target = "custom", version = "0.1.0"}, mem.format = "cosmalloc.ir/1", mem.outcome = {bound = 0.000000e+00 : f64, objective = "traffic", solver = "greedy", status = "optimal", value = 0.000000e+00 : f64}, mem.problem = "chain", mem.reading = {weights = "(params|weights|variables|batch_stats|opt_state|state)\\b"}, mem.target = {alignment = 16 : i64, copy_engines = 2 : i64, flops_per_second = 1.024000e+12 : f64, name = "custom", offchip_read_bytes_per_second = 3.750000e+09 : f64, offchip_write_bytes_per_second = 3.750000e+09 : f64, onchip_read_bytes_per_second = 1.600000e+10 : f64, onchip_write_bytes_per_second = 1.600000e+10 : f64, operand_rule = "resident", scratchpad_bytes = 64 : i64}} {
  func.func public @main(%arg0: tensor<4xf32>) -> tensor<4xf32> attributes {mem.transfers = dense<[[0, 0, 0, 0, 16, 1], [3, 1, 3, 3, -1, -1]]> : tensor<2x6xi64>} {
    %0 = stablehlo.abs %arg0 {mem.offsets = dense<0> : tensor<1xi64>, mem.operator = 0 : i64, mem.step = 0 : i64, mem.stops = dense<3> : tensor<1xi64>} : tensor<4xf32>
    %1 = stablehlo.sqrt %0 {mem.offsets = dense<16> : tensor<1xi64>, mem.operator = 1 : i64, mem.step = 1 : i64, mem.stops = dense<3> : tensor<1xi64>} : tensor<4xf32>
    %2 = stablehlo.add %0, %1 {mem.offsets = dense<32> : tensor<1xi64>, mem.operator = 2 : i64, mem.step = 2 : i64, mem.stops = dense<3> : tensor<1xi64>} : tensor<4xf32>
    return %2 : tensor<4xf32>
  }
}
