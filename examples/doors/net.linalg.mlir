#whole = affine_map<(n, h, w, c) -> (n, h, w, c)>
#row = affine_map<(n, h, w, c) -> (c)>
func.func @main(%image: tensor<1x16x16x3xf32>, %kernel: tensor<3x3x3x8xf32>, %bias: tensor<8xf32>, %head: tensor<392x10xf32>) -> tensor<1x10xf32> {
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %0 = tensor.empty() : tensor<1x14x14x8xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<1x14x14x8xf32>) -> tensor<1x14x14x8xf32>
  %2 = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%image, %kernel : tensor<1x16x16x3xf32>, tensor<3x3x3x8xf32>) outs(%1 : tensor<1x14x14x8xf32>) -> tensor<1x14x14x8xf32>
  %3 = linalg.generic {indexing_maps = [#whole, #row, #whole], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%2, %bias : tensor<1x14x14x8xf32>, tensor<8xf32>) outs(%0 : tensor<1x14x14x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %sum = arith.addf %a, %b : f32
    %positive = arith.maximumf %sum, %zero : f32
    linalg.yield %positive : f32
  } -> tensor<1x14x14x8xf32>
  %4 = tensor.empty() : tensor<2x2xf32>
  %5 = tensor.empty() : tensor<1x7x7x8xf32>
  %6 = linalg.fill ins(%least : f32) outs(%5 : tensor<1x7x7x8xf32>) -> tensor<1x7x7x8xf32>
  %7 = linalg.pooling_nhwc_max {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>} ins(%3, %4 : tensor<1x14x14x8xf32>, tensor<2x2xf32>) outs(%6 : tensor<1x7x7x8xf32>) -> tensor<1x7x7x8xf32>
  %8 = tensor.collapse_shape %7 [[0], [1, 2, 3]] : tensor<1x7x7x8xf32> into tensor<1x392xf32>
  %9 = tensor.empty() : tensor<1x10xf32>
  %10 = linalg.fill ins(%zero : f32) outs(%9 : tensor<1x10xf32>) -> tensor<1x10xf32>
  %11 = linalg.matmul ins(%8, %head : tensor<1x392xf32>, tensor<392x10xf32>) outs(%10 : tensor<1x10xf32>) -> tensor<1x10xf32>
  return %11 : tensor<1x10xf32>
}
