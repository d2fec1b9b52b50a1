// pipeline: group-operators{policy=none},map-memory{target=npu-256kib scratchpad=48 alignment=16},insert-transfers,strip-memory
module @spill {
  func.func public @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = stablehlo.abs %x : tensor<4xf32>
    %1 = stablehlo.sqrt %x : tensor<4xf32>
    %2 = stablehlo.add %1, %x : tensor<4xf32>
    %3 = stablehlo.add %0, %2 : tensor<4xf32>
    return %3 : tensor<4xf32>
  }
}
// ---- becomes
module @spill {
  func.func public @main(%arg0: tensor<4xf32>) -> tensor<4xf32> {
    %0 = stablehlo.abs %arg0 : tensor<4xf32>
    %1 = stablehlo.sqrt %arg0 : tensor<4xf32>
    %2 = stablehlo.add %1, %arg0 : tensor<4xf32>
    %3 = stablehlo.add %0, %2 : tensor<4xf32>
    return %3 : tensor<4xf32>
  }
}
