// pipeline: strip-memory
module @spill attributes {mem.format = "cosmalloc.ir/1", mem.outcome = {bound = 0.000000e+00 : f64, objective = "traffic", solver = "greedy", status = "feasible", value = 3.200000e+01 : f64}, mem.problem = "spill", mem.reading = {weights = "(params|weights|variables|batch_stats|opt_state|state)\\b"}, mem.target = {alignment = 16 : i64, copy_engines = 2 : i64, flops_per_second = 1.024000e+12 : f64, name = "custom", offchip_read_bytes_per_second = 3.750000e+09 : f64, offchip_write_bytes_per_second = 3.750000e+09 : f64, onchip_read_bytes_per_second = 1.600000e+10 : f64, onchip_write_bytes_per_second = 1.600000e+10 : f64, operand_rule = "resident", scratchpad_bytes = 48 : i64}} {
  func.func public @main(%arg0: tensor<4xf32>) -> tensor<4xf32> {
    %0 = stablehlo.custom_call @mem.load(%arg0) {api_version = 4 : i32, backend_config = {offset = 0 : i64, start = 0 : i64, stop = 0 : i64, until = 3 : i64}} : (tensor<4xf32>) -> tensor<4xf32>
    %1 = stablehlo.abs %0 {mem.offsets = dense<32> : tensor<1xi64>, mem.operator = 0 : i64, mem.step = 0 : i64, mem.stops = dense<2> : tensor<1xi64>} : tensor<4xf32>
    %2 = stablehlo.custom_call @mem.store(%1) {api_version = 4 : i32, backend_config = {start = 1 : i64, stop = 2 : i64}} : (tensor<4xf32>) -> tensor<4xf32>
    %3 = stablehlo.sqrt %0 {mem.offsets = dense<16> : tensor<1xi64>, mem.operator = 1 : i64, mem.step = 1 : i64, mem.stops = dense<3> : tensor<1xi64>} : tensor<4xf32>
    %4 = stablehlo.add %3, %0 {mem.offsets = dense<32> : tensor<1xi64>, mem.operator = 2 : i64, mem.step = 2 : i64, mem.stops = dense<4> : tensor<1xi64>} : tensor<4xf32>
    %5 = stablehlo.reshape %4 : (tensor<4xf32>) -> tensor<2x2xf32>
    %6 = stablehlo.custom_call @mem.load(%2) {api_version = 4 : i32, backend_config = {offset = 0 : i64, start = 3 : i64, stop = 3 : i64, until = 4 : i64}} : (tensor<4xf32>) -> tensor<4xf32>
    %7 = stablehlo.reshape %6 : (tensor<4xf32>) -> tensor<2x2xf32>
    %8 = stablehlo.add %7, %5 {mem.offsets = dense<16> : tensor<1xi64>, mem.operator = 3 : i64, mem.step = 3 : i64, mem.stops = dense<4> : tensor<1xi64>} : tensor<2x2xf32>
    %9 = stablehlo.custom_call @mem.store(%8) {api_version = 4 : i32, backend_config = {start = 4 : i64, stop = 4 : i64}} : (tensor<2x2xf32>) -> tensor<2x2xf32>
    %10 = stablehlo.reshape %9 : (tensor<2x2xf32>) -> tensor<4xf32>
    return %10 : tensor<4xf32>
  }
}

// ---- becomes
module @spill {
  func.func public @main(%arg0: tensor<4xf32>) -> tensor<4xf32> {
    %0 = stablehlo.abs %arg0 : tensor<4xf32>
    %1 = stablehlo.sqrt %arg0 : tensor<4xf32>
    %2 = stablehlo.add %1, %arg0 : tensor<4xf32>
    %3 = stablehlo.reshape %2 : (tensor<4xf32>) -> tensor<2x2xf32>
    %4 = stablehlo.reshape %0 : (tensor<4xf32>) -> tensor<2x2xf32>
    %5 = stablehlo.add %4, %3 : tensor<2x2xf32>
    %6 = stablehlo.reshape %5 : (tensor<2x2xf32>) -> tensor<4xf32>
    return %6 : tensor<4xf32>
  }
}
