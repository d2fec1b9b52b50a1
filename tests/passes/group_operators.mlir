// pipeline: group-operators
// dot + bias + relu is one kernel; the scaled sum is another; the reshape is a view; a constant is made again.
module {
  func.func public @main(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %b: tensor<8xf32>) -> (tensor<32xf32>, tensor<4xf32>) {
    %zero = stablehlo.constant dense<0.0> : tensor<4x8xf32>
    %init = stablehlo.constant dense<0.0> : tensor<f32>
    %0 = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
    %1 = stablehlo.broadcast_in_dim %b, dims = [1] : (tensor<8xf32>) -> tensor<4x8xf32>
    %2 = stablehlo.add %0, %1 : tensor<4x8xf32>
    %3 = stablehlo.maximum %2, %zero : tensor<4x8xf32>
    %4 = stablehlo.add %3, %3 : tensor<4x8xf32>
    %5 = stablehlo.reduce(%4 init: %init) applies stablehlo.add across dimensions = [1] : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
    %6 = stablehlo.reshape %3 : (tensor<4x8xf32>) -> tensor<32xf32>
    return %6, %5 : tensor<32xf32>, tensor<4xf32>
  }
}
// ---- becomes
module {
  func.func private @dot_general.0(%arg0: tensor<4x8xf32>, %arg1: tensor<8x8xf32>, %arg2: tensor<8xf32>) -> tensor<4x8xf32> attributes {mem.kernel = "dot_general"} {
    %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0] : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
    %1 = stablehlo.broadcast_in_dim %arg2, dims = [1] : (tensor<8xf32>) -> tensor<4x8xf32>
    %2 = stablehlo.add %0, %1 : tensor<4x8xf32>
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<4x8xf32>
    %3 = stablehlo.maximum %2, %cst : tensor<4x8xf32>
    return %3 : tensor<4x8xf32>
  }
  func.func private @reduce.0(%arg0: tensor<4x8xf32>) -> tensor<4xf32> attributes {mem.kernel = "reduce"} {
    %0 = stablehlo.add %arg0, %arg0 : tensor<4x8xf32>
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %1 = stablehlo.reduce(%0 init: %cst) applies stablehlo.add across dimensions = [1] : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32>
    return %1 : tensor<4xf32>
  }
  func.func public @main(%arg0: tensor<4x8xf32>, %arg1: tensor<8x8xf32>, %arg2: tensor<8xf32>) -> (tensor<32xf32>, tensor<4xf32>) {
    %0 = call @dot_general.0(%arg0, %arg1, %arg2) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
    %1 = call @reduce.0(%0) : (tensor<4x8xf32>) -> tensor<4xf32>
    %2 = stablehlo.reshape %0 : (tensor<4x8xf32>) -> tensor<32xf32>
    return %2, %1 : tensor<32xf32>, tensor<4xf32>
  }
}
