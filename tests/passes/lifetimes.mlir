// pipeline: group-operators{policy=none},lifetimes
module {
  func.func public @main(%params: tensor<4xf32> {mem.name = "params['w']"}, %x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = stablehlo.abs %x : tensor<4xf32>
    %1 = stablehlo.multiply %0, %params : tensor<4xf32>
    %2 = stablehlo.add %0, %1 : tensor<4xf32>
    return %2 : tensor<4xf32>
  }
}
// ---- becomes
module {
  func.func public @main(%arg0: tensor<4xf32> {mem.kind = "weight", mem.name = "params['w']"}, %arg1: tensor<4xf32> {mem.kind = "input", mem.name = "arg1"}) -> tensor<4xf32> {
    %0 = stablehlo.abs %arg1 {mem.lifetimes = dense<[0, 3]> : tensor<2xi64>, mem.operator = 0 : i64, mem.step = 0 : i64} : tensor<4xf32>
    %1 = stablehlo.multiply %0, %arg0 {mem.lifetimes = dense<[1, 3]> : tensor<2xi64>, mem.operator = 1 : i64, mem.step = 1 : i64} : tensor<4xf32>
    %2 = stablehlo.add %0, %1 {mem.lifetimes = dense<[2, 3]> : tensor<2xi64>, mem.operator = 2 : i64, mem.step = 2 : i64} : tensor<4xf32>
    return %2 : tensor<4xf32>
  }
}
